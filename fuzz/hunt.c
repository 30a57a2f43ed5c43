// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// What a hunt asks of the sanitizer, which looks for these names. Damaged files make libhdf5 lose
// memory and ask for more than there is: that is its own matter, and would end the hunt at once.
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

const char *__lsan_default_suppressions(void) {
    return "leak:libhdf5\n";
}
