/**
 * WebDataset shards: tar archives in which a patch is a PNG, its label and its facts, side by side.
 * https://github.com/webdataset/webdataset: a sample's key is its name up to the first dot.
 */
import type { SplitName } from '../types.js';
import { encodePng, estimatePngBytes } from './png.js';
import { cutShards, digits, eachPatch, patchJson, patchKey } from './sample.js';
import { TarWriter, tarMemberBytes } from './tar.js';
import type { ExportFormat, ShardSource } from './types.js';

/** Bytes of the `.cls` and the `.json` members, and of their headers. */
const FACTS_BYTES = 2 * tarMemberBytes(200);
const ENCODER = new TextEncoder();

export const webdataset: ExportFormat = {
  format: 'png',
  layout: 'shards',
  revision: 1,
  summary: 'WebDataset: tar shards of PNG, label (cls) and facts (json), for PyTorch, DALI and Ray',
  indexes: ['dali'],
  shardSize: 2048,

  bytesPerPatch: ({ side }) => tarMemberBytes(estimatePngBytes(side)) + FACTS_BYTES,

  plan: ({ split, recipe: { shardSize, index } }) =>
    cutShards({
      split,
      shardSize,
      files(number) {
        const stem = `pcam-${split.split}-${digits(number)}`;
        return [{ file: `${stem}.tar` }, ...(index === 'dali' ? [{ file: `${stem}.idx`, side: true }] : [])];
      },
    }),

  write({ task: { split, start, end, files }, source, output }) {
    const tar = new TarWriter(output.create(files[0]!.file));
    const lines = [`v1.2 ${end - start}`];
    for (const { index, pixels } of eachPatch(source))
      lines.push(addSample({ tar, split, index, pixels, source }));
    tar.finish();
    if (files[1]) output.create(files[1].file).write(ENCODER.encode(`${lines.join('\n')}\n`));
  },
};

/**
 * Adds the three members of a patch.
 * @returns its line of a DALI index, version 1.2: groups of extension, offset of the data, size and name
 */
function addSample({
  tar,
  split,
  index,
  pixels,
  source,
}: {
  tar: TarWriter;
  split: SplitName;
  index: number;
  pixels: Uint8Array;
  source: ShardSource;
}): string {
  const key = patchKey(split, index);
  const members: [string, Uint8Array][] = [
    ['png', encodePng(pixels, source.side)],
    ['cls', ENCODER.encode(String(source.labels[index]))],
    ['json', ENCODER.encode(patchJson(split, index, source))],
  ];
  return members
    .map(([extension, data]) => {
      const offset = tar.add(`${key}.${extension}`, data);
      return `${extension} ${offset} ${data.length} ${key}.${extension}`;
    })
    .join(' ');
}
