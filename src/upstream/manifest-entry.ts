/** What a manifest says of a file that was just written. */
import type { TemporaryFile } from './archive.js';
import type { UpstreamFile } from './split-files.js';

/** Name under which a file is served: upstream compresses images and labels. */
export function servedName({ name, gzip }: Pick<UpstreamFile, 'name' | 'gzip'>): string {
  return gzip ? `${name}.gz` : name;
}

/**
 * The entry of a manifest, in the order of the schema.
 * @param options.file what was written, compressed where upstream has it compressed
 * @param options.more further fields, such as `gdriveId`
 */
export function manifestEntry(options: {
  upstream: Omit<UpstreamFile, 'content'>;
  file: TemporaryFile;
  more?: object;
}): object {
  const { upstream, file, more } = options;
  const { name, split, kind, gzip, array } = upstream;
  return {
    name: servedName(upstream),
    split,
    kind,
    bytes: file.bytes,
    md5: file.md5,
    sha256: file.sha256,
    ...more,
    ...(gzip && { extracted: { name, ...file.plain } }),
    ...(array && { array: { path: array.name, shape: array.shape } }),
  };
}
