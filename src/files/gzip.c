// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/gzip.h"

#include "base/words.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

// Of a plain file only the first bytes go through the block: what it is, it tells in two.
enum { BLOCK = 262144, FIRST_BLOCK = 4096, GZIP_WINDOW = 15 + 16 };

struct mb_text_reader {
    mb_context *ctx;
    char *name;
    int descriptor;
    uint64_t file_size;
    uint64_t n_given; // bytes handed out so far
    bool is_compressed, has_stream, is_member_done, is_at_end;
    z_stream stream;
    unsigned char *block;
    size_t block_length, block_used;
};

// Reads size bytes, fewer only at the end of the file.
static mb_status read_file(
    mb_text_reader *reader, unsigned char *bytes, size_t size, size_t *n_read) {
    *n_read = 0;
    while (*n_read < size) {
        const ssize_t n = read(reader->descriptor, bytes + *n_read, size - *n_read);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            char reason[MB_REASON_SIZE];
            return mb_fail(reader->ctx, MB_ERR_IO, "%s: %s while reading; check the disk",
                reader->name, mb_system_reason(errno, reason));
        }
        if (n == 0) {
            reader->is_at_end = true;
            break;
        }
        *n_read += (size_t)n;
    }
    return MB_OK;
}

static mb_status fill(mb_text_reader *reader, size_t size) {
    reader->block_used = 0;
    return read_file(reader, reader->block, size, &reader->block_length);
}

static mb_status start(mb_text_reader *reader) {
    reader->descriptor = open(reader->name, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (reader->descriptor < 0 || fstat(reader->descriptor, &info) != 0) {
        char reason[MB_REASON_SIZE];
        return mb_fail(reader->ctx, MB_ERR_IO, "%s: %s; check the name and its rights",
            reader->name, mb_system_reason(errno, reason));
    }
    if (S_ISDIR(info.st_mode)) {
        return mb_fail(reader->ctx, MB_ERR_IO, "%s: a directory; name a file", reader->name);
    }
    reader->file_size = S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    reader->block = mb_allocate(reader->ctx, BLOCK, 1);
    if (reader->block == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(fill(reader, FIRST_BLOCK));
    reader->is_compressed =
        reader->block_length >= 2 && reader->block[0] == 0x1F && reader->block[1] == 0x8B;
    if (reader->is_compressed) {
        if (inflateInit2(&reader->stream, GZIP_WINDOW) != Z_OK) {
            return mb_fail(
                reader->ctx, MB_ERR_MEMORY, "%s: no memory to decompress; free some", reader->name);
        }
        reader->has_stream = true;
    }
    return MB_OK;
}

mb_status mb_text_reader_open(mb_context *ctx, const char *path, mb_text_reader **out) {
    mb_text_reader *reader = mb_allocate_zeroed(ctx, 1, sizeof *reader);
    *out = reader;
    if (reader == NULL) {
        return MB_ERR_MEMORY;
    }
    reader->ctx = ctx;
    reader->descriptor = -1;
    reader->name = mb_copy_text(ctx, path);
    const mb_status status = reader->name == NULL ? MB_ERR_MEMORY : start(reader);
    if (status != MB_OK) {
        mb_text_reader_close(reader);
        *out = NULL;
    }
    return status;
}

static mb_status read_plain(
    mb_text_reader *reader, unsigned char *bytes, size_t size, size_t *n_read) {
    while (*n_read < size) {
        const size_t left = reader->block_length - reader->block_used;
        if (left > 0) {
            const size_t n = mb_min_size(size - *n_read, left);
            memcpy(bytes + *n_read, reader->block + reader->block_used, n);
            reader->block_used += n;
            *n_read += n;
        } else if (reader->is_at_end) {
            break;
        } else if (size - *n_read < BLOCK) {
            MB_TRY(fill(reader, BLOCK));
        } else {
            size_t n = 0;
            MB_TRY(read_file(reader, bytes + *n_read, size - *n_read, &n));
            *n_read += n;
        }
    }
    return MB_OK;
}

static mb_status fail_gzip(const mb_text_reader *reader, const char *what) {
    return mb_fail(
        reader->ctx, MB_ERR_FORMAT, "%s: gzip data %s; compress it again", reader->name, what);
}

// Goes to the next member. gzip allows zero bytes behind the last one (tapes had them).
static mb_status next_member(mb_text_reader *reader, bool *is_end) {
    for (;;) {
        if (reader->block_used == reader->block_length) {
            *is_end = reader->is_at_end;
            if (*is_end) {
                return MB_OK;
            }
            MB_TRY(fill(reader, BLOCK));
        } else if (reader->block[reader->block_used] == 0) {
            reader->block_used++;
        } else {
            break;
        }
    }
    reader->is_member_done = false;
    *is_end = false;
    return inflateReset(&reader->stream) == Z_OK ? MB_OK : fail_gzip(reader, "cannot be read");
}

static mb_status read_compressed(mb_text_reader *reader, char *bytes, size_t size, size_t *n_read) {
    while (*n_read < size) {
        if (reader->is_member_done) {
            bool is_end = false;
            MB_TRY(next_member(reader, &is_end));
            if (is_end) {
                return MB_OK;
            }
        }
        if (reader->block_used == reader->block_length && !reader->is_at_end) {
            MB_TRY(fill(reader, BLOCK));
        }
        z_stream *stream = &reader->stream;
        const size_t room = mb_min_size(size - *n_read, 1U << 30);
        const size_t had = reader->block_length - reader->block_used;
        stream->next_in = reader->block + reader->block_used;
        stream->avail_in = (uInt)had;
        stream->next_out = (unsigned char *)bytes + *n_read;
        stream->avail_out = (uInt)room;
        const int code = inflate(stream, Z_NO_FLUSH);
        reader->block_used = reader->block_length - stream->avail_in;
        *n_read += room - stream->avail_out;
        if (code == Z_STREAM_END) {
            reader->is_member_done = true;
        } else if (code == Z_BUF_ERROR && had == 0) {
            return fail_gzip(reader, "ends too early");
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return fail_gzip(reader, "is damaged");
        }
    }
    return MB_OK;
}

mb_status mb_text_reader_read(mb_text_reader *reader, void *bytes, size_t size, size_t *n_read) {
    *n_read = 0;
    MB_TRY(reader->is_compressed ? read_compressed(reader, bytes, size, n_read)
                                 : read_plain(reader, bytes, size, n_read));
    reader->n_given += *n_read;
    if (reader->n_given > mb_context_limits(reader->ctx)->bytes) {
        return mb_fail(reader->ctx, MB_ERR_LIMIT,
            "%s: more than the limit of %llu bytes after decompression; split it or raise the "
            "limit",
            reader->name, (unsigned long long)mb_context_limits(reader->ctx)->bytes);
    }
    return MB_OK;
}

bool mb_text_reader_is_compressed(const mb_text_reader *reader) {
    return reader->is_compressed;
}

uint64_t mb_text_reader_file_size(const mb_text_reader *reader) {
    return reader->file_size;
}

void mb_text_reader_close(mb_text_reader *reader) {
    if (reader == NULL) {
        return;
    }
    if (reader->has_stream) {
        (void)inflateEnd(&reader->stream);
    }
    if (reader->descriptor >= 0) {
        (void)close(reader->descriptor);
    }
    mb_release(reader->ctx, reader->block);
    mb_release(reader->ctx, reader->name);
    mb_release(reader->ctx, reader);
}
