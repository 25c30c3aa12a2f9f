/** A file of up to this many bytes is read and digested in less time than a thread takes to start. */
export const SMALL = 4 * 1024 * 1024;
