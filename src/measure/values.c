// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/values.h"

double mb_values_get(mb_values values, size_t i) {
    switch (values.dtype) {
    case MB_F32:
        return (double)((const float *)values.data)[i];
    case MB_F64:
        return ((const double *)values.data)[i];
    case MB_I8:
        return (double)((const int8_t *)values.data)[i];
    case MB_U8:
    case MB_BOOL:
        return (double)((const uint8_t *)values.data)[i];
    case MB_I16:
        return (double)((const int16_t *)values.data)[i];
    case MB_U16:
        return (double)((const uint16_t *)values.data)[i];
    case MB_I32:
        return (double)((const int32_t *)values.data)[i];
    case MB_U32:
        return (double)((const uint32_t *)values.data)[i];
    case MB_I64:
        return (double)((const int64_t *)values.data)[i];
    case MB_U64:
        return (double)((const uint64_t *)values.data)[i];
    }
    return 0;
}
