/** Deflate spends at least one bit per 129 bytes: nothing can unpack to more than this many times its size. */
export const MAX_DEFLATE_RATIO = 1032
