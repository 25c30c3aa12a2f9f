/**
 * TFRecord in the names and features of TFDS's own patch_camelyon, with the two files that
 * `tfds.builder_from_directory` reads.
 * https://www.tensorflow.org/datasets/external_tfrecord and tensorflow_datasets/core/proto
 */
import { createHash } from 'node:crypto';
import { isRecord, isSynthetic, PCAM_BIBTEX, type SplitName } from '../../manifest/index.js';
import { encodePng, RECORD_OVERHEAD, writeExample } from '../encode/index.js';
import { eachPatch, estimatePngRow, HUB_SPLITS, numberedShards, sideOf } from './sample.js';
import { tfdsId, tfdsOrder, tfdsShardStart } from './tfds-order.js';
import type { ExportFormat, FinishRequest, Recipe } from './types.js';

const NAME = 'patch_camelyon';
/** The version of TFDS's data set whose features these are. */
const VERSION = '2.0.0';
const FEATURES = 'tensorflow_datasets.core.features';
const ENCODER = new TextEncoder();

export const tfrecord: ExportFormat = {
  format: 'tfrecord',
  layout: 'shards',
  revision: 1,
  summary: 'TFRecord in the layout of TFDS, for tfds.builder_from_directory and tf.data',
  workers: 8,
  shardSize: 4096,
  ordered: true,

  bytesPerPatch: estimatePngRow,

  arrange: ({ split, recipe, indices }) => (recipe.order === 'tfds' ? tfdsOrder(split, indices) : indices),

  plan({ split, recipe }) {
    const startOf = recipe.order === 'tfds' ? tfdsShardStart : undefined;
    return numberedShards(fileName, startOf)({ split, recipe });
  },

  write({ task, source, output }) {
    const sink = output.create(task.files[0]!.file);
    for (const { index, pixels } of eachPatch(source)) {
      writeExample(sink, [
        ['id', ENCODER.encode(tfdsId(task.split, index))],
        ['image', encodePng(pixels, source.side)],
        ['label', source.labels[index]!],
      ]);
    }
  },

  finish: (request) => [
    { file: 'dataset_info.json', text: (earlier) => json(withAdditions(datasetInfo(request), earlier)) },
    { file: 'features.json', text: () => json(features(sideOf(request.recipe.crop))) },
    { file: 'label.labels.txt', text: () => '0\n1\n' },
  ],
};

function fileName(split: SplitName, numbers: string): string {
  return `${NAME}-${HUB_SPLITS[split]}.tfrecord-${numbers}`;
}

/**
 * The config of TFDS that this export is; '' for its own data set. TFDS takes the features of its own one from code, so
 * anything else under that name would be read as the whole.
 */
export function tfdsConfig({ crop, order, selection }: Recipe): string {
  const inFileOrder = order === undefined && selection?.shuffle !== true;
  const digest = createHash('sha256').update(JSON.stringify(selection ?? null));
  return [
    ...(crop === null ? [] : [crop]),
    ...(inFileOrder ? ['order-file'] : []),
    ...(selection ? [`selection-${digest.digest('hex').slice(0, 8)}`] : []),
  ].join('-');
}

/** Keeps what other tools have added to the file, such as the formats that `tfds convert_format` has made beside this one. */
function withAdditions(info: object, earlier: string | undefined): object {
  try {
    const there: unknown = JSON.parse(earlier ?? '');
    const added = isRecord(there) ? Object.entries(there).filter(([key]) => !OWN_KEYS.has(key)) : [];
    return { ...info, ...Object.fromEntries(added) };
  } catch {
    return info;
  }
}

/** The message DatasetInfo of dataset_info.proto in JSON, where an int64 is a string. */
function datasetInfo({ recipe, splits, records }: FinishRequest) {
  const config = tfdsConfig(recipe);
  return {
    citation: PCAM_BIBTEX,
    ...(config === '' ? {} : { configDescription: configDescription(recipe), configName: config }),
    description: isSynthetic(recipe.dataset) ? SYNTHETIC : DESCRIPTION,
    fileFormat: 'tfrecord',
    location: { urls: ['https://github.com/basveeling/pcam'] },
    name: NAME,
    redistributionInfo: { license: 'CC0 1.0' },
    splits: splits.map(({ split }) => {
      const shards = [...records.values()]
        .filter((record) => record.split === split)
        .sort((a, b) => (a.file < b.file ? -1 : 1));
      const bytes = shards.reduce((sum, shard) => sum + shard.bytes - shard.patches * RECORD_OVERHEAD, 0);
      return {
        filepathTemplate: '{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}',
        name: HUB_SPLITS[split],
        numBytes: String(bytes),
        shardLengths: shards.map(({ patches }) => String(patches)),
      };
    }),
    supervisedKeys: { tuple: { items: [{ featureKey: 'image' }, { featureKey: 'label' }] } },
    version: VERSION,
  };
}

/** The keys of `datasetInfo`. */
const OWN_KEYS = new Set([
  ...['citation', 'configDescription', 'configName', 'description', 'fileFormat', 'location', 'name'],
  ...['redistributionInfo', 'splits', 'supervisedKeys', 'version'],
]);

function configDescription({ crop, order, selection }: Recipe): string {
  return [
    ...(crop === null ? [] : ['The centre 32 x 32 px of each patch.']),
    ...(selection ? [`Selected patches: ${JSON.stringify(selection)}.`] : []),
    ...(order === undefined && selection?.shuffle !== true ? ["In the order of PCam's own files."] : []),
  ].join(' ');
}

/** The message Feature of feature.proto in JSON. */
function features(side: number) {
  return {
    featuresDict: {
      features: {
        id: { pythonClassName: `${FEATURES}.text_feature.Text`, text: {} },
        image: {
          image: {
            dtype: 'uint8',
            encodingFormat: 'png',
            shape: { dimensions: [side, side, 3].map(String) },
          },
          pythonClassName: `${FEATURES}.image_feature.Image`,
        },
        label: {
          classLabel: { numClasses: '2' },
          pythonClassName: `${FEATURES}.class_label_feature.ClassLabel`,
        },
      },
    },
    pythonClassName: `${FEATURES}.features_dict.FeaturesDict`,
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 4)}\n`;
}

const SYNTHETIC =
  'Synthetic data in the layout of the PatchCamelyon benchmark: patches drawn by pcam for tests. There is no tissue in them.';
const DESCRIPTION =
  'The PatchCamelyon benchmark: patches of H&E-stained lymph node sections from the Camelyon16 challenge. ' +
  'A label is 1 when the centre 32 x 32 px of the original 96 x 96 px patch contain tumor tissue.';
