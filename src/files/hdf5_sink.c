// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct sink_access {
    mb_h5_sink *sink;
} sink_access;

typedef struct sink_file {
    H5FD_t public_part; // must be the first: the library fills it
    mb_h5_sink *sink;
    haddr_t end_of_space, end_of_file;
} sink_file;

static H5FD_t *open_sink(const char *name, unsigned flags, hid_t access, haddr_t most) {
    (void)name;
    (void)most;
    // The library first asks whether the file is there already; it never is.
    const sink_access *info = H5Pget_driver_info(access);
    if ((flags & H5F_ACC_CREAT) == 0 || info == NULL) {
        return NULL;
    }
    // Freed by the library's close, which knows no context.
    sink_file *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return NULL;
    }
    file->sink = info->sink;
    return &file->public_part;
}

static herr_t close_sink(H5FD_t *file) {
    free(file);
    return 0;
}

static herr_t query_sink(const H5FD_t *file, unsigned long *flags) {
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t get_end_of_space(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const sink_file *)file)->end_of_space;
}

static herr_t set_end_of_space(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
    (void)type;
    ((sink_file *)file)->end_of_space = address;
    return 0;
}

static haddr_t get_end_of_file(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const sink_file *)file)->end_of_file;
}

static herr_t read_sink(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *bytes) {
    (void)type;
    (void)transfer;
    const mb_h5_sink *sink = ((const sink_file *)file)->sink;
    char *at = bytes;
    while (size > 0) {
        const ssize_t n = pread(sink->descriptor, at, size, (off_t)address);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            memset(at, 0, size); // beyond the end, as the library's own driver has it
            return 0;
        }
        at += n;
        size -= (size_t)n;
        address += (haddr_t)n;
    }
    return 0;
}

static herr_t write_sink(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address,
    size_t size, const void *bytes) {
    (void)type;
    (void)transfer;
    sink_file *self = (sink_file *)file;
    const char *at = bytes;
    while (size > 0 && self->sink->error == 0) {
        const ssize_t n = pwrite(self->sink->descriptor, at, size, (off_t)address);
        if (n < 0 && errno != EINTR) {
            self->sink->error = errno;
        } else if (n > 0) {
            at += n;
            size -= (size_t)n;
            address += (haddr_t)n;
        }
    }
    if (address > self->end_of_file) {
        self->end_of_file = address;
    }
    return 0;
}

static herr_t truncate_sink(H5FD_t *file, hid_t transfer, hbool_t is_closing) {
    (void)transfer;
    (void)is_closing;
    sink_file *self = (sink_file *)file;
    // Readers refuse a file that is shorter than the space it has given out.
    if (self->sink->error == 0 && self->end_of_file != self->end_of_space) {
        if (ftruncate(self->sink->descriptor, (off_t)self->end_of_space) != 0) {
            self->sink->error = errno;
        }
        self->end_of_file = self->end_of_space;
    }
    return 0;
}

static const H5FD_class_t sink_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = 513, // free for drivers outside of the library
#endif
    .name = "minbias",
    .maxaddr = ((haddr_t)1 << 62) - 1,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(sink_access),
    .open = open_sink,
    .close = close_sink,
    .query = query_sink,
    .get_eoa = get_end_of_space,
    .set_eoa = set_end_of_space,
    .get_eof = get_end_of_file,
    .read = read_sink,
    .write = write_sink,
    .truncate = truncate_sink,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

bool mb_h5_sink_set(mb_h5_sink *sink, hid_t access) {
    const sink_access info = {sink};
    sink->driver = H5FDregister(&sink_class);
    return sink->driver >= 0 && H5Pset_driver(access, sink->driver, &info) >= 0;
}

void mb_h5_sink_forget(mb_h5_sink *sink) {
    if (sink->driver >= 0) {
        (void)H5FDunregister(sink->driver);
        sink->driver = -1;
    }
}
