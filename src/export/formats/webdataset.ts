/**
 * WebDataset shards: tar archives in which a patch is a PNG, its label and its facts, side by side.
 * https://github.com/webdataset/webdataset: a sample's key is its name up to the first dot.
 */
import { DEFAULTS } from '../../core/index.js';
import type { SplitName } from '../../manifest/index.js';
import { encodePng, estimatePngBytes, TarWriter, tarMemberBytes } from '../encode/index.js';
import {
  cutShards,
  digits,
  eachPatch,
  HUB_SPLITS,
  LABEL_TEXTS,
  type Patch,
  patchJson,
  patchKey,
} from './sample.js';
import type { ExportFormat, FinishRequest, ShardSource } from './types.js';

/** Bytes of the `.cls` and the `.json` members, and of their headers. */
const FACTS_BYTES = 2 * tarMemberBytes(200);
const ENCODER = new TextEncoder();

export const webdataset: ExportFormat = {
  format: 'png',
  layout: 'shards',
  revision: 1,
  summary: 'WebDataset: tar shards of PNG, label (cls) and facts (json), for PyTorch, DALI and Ray',
  indexes: ['dali'],
  sha1: true,
  workers: 8,
  shardSize: DEFAULTS.shardSize,

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
    const index = files[1] && output.create(files[1].file);
    index?.write(ENCODER.encode(`v1.2 ${end - start}\n`));
    for (const patch of eachPatch(source)) {
      const members = addSample({ tar, split, source, patch });
      index?.write(ENCODER.encode(`${members.map((member) => Object.values(member).join(' ')).join(' ')}\n`));
    }
    tar.finish();
  },

  finish: (request) => [{ file: '_info.json', text: () => timmInfo(request) }],
};

/**
 * Splits by name, with their shards and lengths, as timm looks for them.
 * https://github.com/huggingface/pytorch-image-models/blob/main/timm/data/readers/reader_wds.py
 */
function timmInfo({ splits, records }: FinishRequest): string {
  const entries = splits.map(({ split, patches }) => {
    const shards = [...records.values()]
      .filter((record) => record.split === split && record.file.endsWith('.tar'))
      .sort((a, b) => (a.file < b.file ? -1 : 1));
    const name = HUB_SPLITS[split];
    const info = {
      name,
      num_samples: patches,
      filenames: shards.map(({ file }) => file),
      shard_lengths: shards.map((shard) => shard.patches),
    };
    return [name, info] as const;
  });
  return `${JSON.stringify({ splits: Object.fromEntries(entries) }, null, 2)}\n`;
}

/** A member as DALI's index, version 1.2, names it: the offset is where its data starts. */
interface TarMember {
  readonly extension: string;
  readonly offset: number;
  readonly bytes: number;
  readonly name: string;
}

/** Adds the three members of a patch. */
function addSample({
  tar,
  split,
  patch,
  source,
}: {
  tar: TarWriter;
  split: SplitName;
  patch: Patch;
  source: ShardSource;
}): TarMember[] {
  const { index, pixels } = patch;
  const key = patchKey(split, index);
  const add = (extension: string, data: Uint8Array): TarMember => {
    const name = `${key}.${extension}`;
    return { extension, offset: tar.add(name, data), bytes: data.length, name };
  };
  return [
    add('png', encodePng(pixels, source.side)),
    add('cls', LABEL_TEXTS[source.labels[index]!]!),
    add('json', ENCODER.encode(patchJson(split, patch, source))),
  ];
}
