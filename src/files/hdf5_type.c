// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_inside.h"

static bool find_integer(hid_t type, mb_raw_type *raw) {
    static const mb_dtype types[2][4] = {
        {MB_U8, MB_U16, MB_U32, MB_U64}, {MB_I8, MB_I16, MB_I32, MB_I64}};
    const size_t size = H5Tget_size(type);
    const H5T_sign_t sign = H5Tget_sign(type);
    const H5T_order_t order = H5Tget_order(type);
    if ((size != 1 && size != 2 && size != 4 && size != 8) || H5Tget_precision(type) != 8 * size ||
        H5Tget_offset(type) != 0 || (sign != H5T_SGN_NONE && sign != H5T_SGN_2) ||
        (order != H5T_ORDER_LE && order != H5T_ORDER_BE)) {
        return false;
    }
    const unsigned power = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
    *raw = (mb_raw_type){types[sign == H5T_SGN_2][power], size, order == H5T_ORDER_BE};
    return true;
}

static bool is_half(hid_t type) {
    size_t sign, exponent, exponent_size, fraction, fraction_size;
    return H5Tget_size(type) == 2 && H5Tget_precision(type) == 16 && H5Tget_offset(type) == 0 &&
           H5Tget_fields(type, &sign, &exponent, &exponent_size, &fraction, &fraction_size) >= 0 &&
           sign == 15 && exponent == 10 && exponent_size == 5 && fraction == 0 &&
           fraction_size == 10 && H5Tget_ebias(type) == 15 && H5Tget_norm(type) == H5T_NORM_IMPLIED;
}

static bool find_float(hid_t type, mb_raw_type *raw) {
    if (H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F32BE) > 0) {
        *raw = (mb_raw_type){MB_F32, 4, H5Tget_order(type) == H5T_ORDER_BE};
        return true;
    }
    if (H5Tequal(type, H5T_IEEE_F64LE) > 0 || H5Tequal(type, H5T_IEEE_F64BE) > 0) {
        *raw = (mb_raw_type){MB_F64, 8, H5Tget_order(type) == H5T_ORDER_BE};
        return true;
    }
    *raw = (mb_raw_type){MB_F32, 2, H5Tget_order(type) == H5T_ORDER_BE};
    return is_half(type);
}

// h5py writes booleans as an enumeration of FALSE and TRUE.
static bool is_boolean(hid_t type) {
    static const char *const names[2] = {"FALSE", "TRUE"};
    if (H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2) {
        return false;
    }
    bool is_it = true;
    for (unsigned i = 0; i < 2; i++) {
        char *name = H5Tget_member_name(type, i);
        unsigned char value = 9;
        is_it = is_it && name != NULL && H5Tget_member_value(type, i, &value) >= 0 && value < 2 &&
                strcmp(name, names[value]) == 0;
        (void)H5free_memory(name);
    }
    return is_it;
}

bool mb_h5_find_type(hid_t type, mb_raw_type *raw) {
    switch (H5Tget_class(type)) {
    case H5T_INTEGER:
        return find_integer(type, raw);
    case H5T_FLOAT:
        return find_float(type, raw);
    case H5T_BITFIELD: // PyTables' booleans
        *raw = (mb_raw_type){MB_BOOL, 1, false};
        return H5Tget_size(type) == 1;
    case H5T_ENUM: {
        if (is_boolean(type)) {
            *raw = (mb_raw_type){MB_BOOL, 1, false};
            return true;
        }
        const hid_t base = H5Tget_super(type);
        const bool is_known = base >= 0 && find_integer(base, raw);
        mb_h5_close_id(base);
        return is_known;
    }
    default:
        return false;
    }
}

mb_status mb_h5_get_shape(
    mb_h5_file *file, const char *path, hid_t space, unsigned *rank, size_t *shape) {
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    const int n = H5Sget_simple_extent_ndims(space);
    if ((kind != H5S_SCALAR && kind != H5S_SIMPLE) || n < 0 || n > MB_MAX_RANK) {
        return mb_fail(file->ctx, MB_ERR_UNSUPPORTED,
            "%s: %s is empty of shape or has more than %d axes; reshape it", file->name, path,
            MB_MAX_RANK);
    }
    hsize_t dims[MB_MAX_RANK] = {0};
    if (kind == H5S_SIMPLE && H5Sget_simple_extent_dims(space, dims, NULL) < 0) {
        return mb_fail(
            file->ctx, MB_ERR_FORMAT, "%s: %s has no shape; the file is damaged", file->name, path);
    }
    *rank = (unsigned)n;
    for (int i = 0; i < n; i++) {
        shape[i] = (size_t)dims[i];
    }
    return MB_OK;
}
