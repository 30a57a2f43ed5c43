// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/hdf5_source.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct source_access {
    mb_h5_source *source;
} source_access;

typedef struct source_file {
    H5FD_t public_part; // must be the first: the library fills it
    mb_h5_source *source;
    haddr_t end_of_space;
} source_file;

bool mb_h5_source_read(const mb_h5_source *source, uint64_t offset, void *bytes, size_t length) {
    if (offset > source->length || length > source->length - offset) {
        return false;
    }
    if (source->descriptor < 0) {
        memcpy(bytes, source->bytes + offset, length);
        return true;
    }
    char *at = bytes;
    while (length > 0) {
        const ssize_t n = pread(source->descriptor, at, length, (off_t)offset);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        at += n;
        length -= (size_t)n;
        offset += (uint64_t)n;
    }
    return true;
}

// Finds where the file starts; head is its first bytes.
static bool find_start(const mb_h5_source *source, unsigned char head[16], uint64_t *at) {
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1A, '\n'};
    for (*at = 0; mb_h5_source_read(source, *at, head, 16); *at = *at == 0 ? 512 : 2 * *at) {
        if (memcmp(head, signature, sizeof signature) == 0) {
            return true;
        }
        if (*at > UINT64_MAX / 4) {
            break;
        }
    }
    return false;
}

bool mb_h5_source_is_known(const mb_h5_source *source) {
    unsigned char head[16];
    uint64_t at = 0;
    // The sizes of addresses and lengths, which are 8 in every file but of laboratories.
    return find_start(source, head, &at) &&
           (head[8] < 2 ? head[13] == 8 && head[14] == 8
                        : head[8] < 4 && head[9] == 8 && head[10] == 8);
}

uint64_t mb_h5_source_wanted(const mb_h5_source *source) {
    static const uint64_t places[4] = {40, 44, 28, 28}; // by version of the superblock
    unsigned char head[16];
    unsigned char bytes[8];
    uint64_t at = 0;
    uint64_t wanted = 0;
    if (!find_start(source, head, &at) || head[8] >= MB_COUNT_OF(places) ||
        !mb_h5_source_read(source, at + places[head[8]], bytes, sizeof bytes)) {
        return 0;
    }
    for (size_t i = sizeof bytes; i-- > 0;) {
        wanted = wanted << 8 | bytes[i];
    }
    return wanted;
}

static H5FD_t *open_source(const char *name, unsigned flags, hid_t access, haddr_t most) {
    (void)name;
    (void)flags;
    (void)most;
    const source_access *info = H5Pget_driver_info(access);
    // Freed by the library's close, which knows no context.
    source_file *file = info == NULL ? NULL : calloc(1, sizeof *file);
    if (file == NULL) {
        return NULL;
    }
    file->source = info->source;
    return &file->public_part;
}

static herr_t close_source(H5FD_t *file) {
    free(file);
    return 0;
}

static int compare_sources(const H5FD_t *a, const H5FD_t *b) {
    const mb_h5_source *one = ((const source_file *)a)->source;
    const mb_h5_source *two = ((const source_file *)b)->source;
    return one < two ? -1 : one > two ? 1 : 0;
}

// No accumulating and no sieving: each structure is then asked for by itself.
static herr_t query_source(const H5FD_t *file, unsigned long *flags) {
    (void)file;
    *flags = H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t get_end_of_space(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const source_file *)file)->end_of_space;
}

static herr_t set_end_of_space(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
    (void)type;
    ((source_file *)file)->end_of_space = address;
    return 0;
}

static haddr_t get_end_of_file(const H5FD_t *file, H5FD_mem_t type) {
    (void)type;
    return ((const source_file *)file)->source->length;
}

static herr_t read_source(
    H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *bytes) {
    (void)transfer;
    const mb_h5_source *source = ((const source_file *)file)->source;
    // A chunk's length is told twice in a file, and the library reads the second into the memory of
    // the first.
    if (type == H5FD_MEM_DRAW && size > source->room) {
        return -1;
    }
    return mb_h5_source_read(source, address, bytes, size) ? 0 : -1;
}

static herr_t write_source(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t address,
    size_t size, const void *bytes) {
    (void)file;
    (void)type;
    (void)transfer;
    (void)address;
    (void)size;
    (void)bytes;
    return -1;
}

static const H5FD_class_t source_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = 514, // free for drivers outside of the library
#endif
    .name = "minbias_source",
    .maxaddr = ((haddr_t)1 << 62) - 1,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(source_access),
    .open = open_source,
    .close = close_source,
    .cmp = compare_sources,
    .query = query_source,
    .get_eoa = get_end_of_space,
    .set_eoa = set_end_of_space,
    .get_eof = get_end_of_file,
    .read = read_source,
    .write = write_source,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

bool mb_h5_source_set(mb_h5_source *source, hid_t access) {
    const source_access info = {source};
    source->driver = H5FDregister(&source_class);
    return source->driver >= 0 && H5Pset_driver(access, source->driver, &info) >= 0;
}

void mb_h5_source_forget(mb_h5_source *source) {
    if (source->driver >= 0) {
        (void)H5FDunregister(source->driver);
        source->driver = -1;
    }
}
