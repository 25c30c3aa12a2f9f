/**
 * TFRecord in the names and features of TFDS's own patch_camelyon, with the two files that
 * `tfds.builder_from_directory` reads.
 * https://www.tensorflow.org/datasets/external_tfrecord and tensorflow_datasets/core/proto
 */
import { isSynthetic, PCAM_BIBTEX } from '../../manifest/index.js';
import { encodePng, RECORD_OVERHEAD, writeExample } from '../encode/index.js';
import { eachPatch, estimatePngRow, HUB_SPLITS, numberedShards, sideOf } from './sample.js';
import type { ExportFormat, FinishRequest } from './types.js';

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
  indexes: [],
  workers: 8,
  // Train becomes 16 files, as in TFDS.
  shardSize: 16_384,

  bytesPerPatch: estimatePngRow,

  plan: numberedShards((split, numbers) => `${NAME}-${HUB_SPLITS[split]}.tfrecord-${numbers}`),

  write({ task, source, output }) {
    const sink = output.create(task.files[0]!.file);
    for (const { index, pixels } of eachPatch(source)) {
      writeExample(sink, [
        ['id', ENCODER.encode(`${task.split}_${index}`)],
        ['image', encodePng(pixels, source.side)],
        ['label', source.labels[index]!],
      ]);
    }
  },

  finish: (request) => [
    { file: 'dataset_info.json', text: json(datasetInfo(request)) },
    { file: 'features.json', text: json(features(sideOf(request.recipe.crop))) },
    { file: 'label.labels.txt', text: 'normal\ntumor\n' },
  ],
};

/** The message DatasetInfo of dataset_info.proto in JSON, where an int64 is a string. */
function datasetInfo({ recipe, splits, records }: FinishRequest) {
  return {
    citation: PCAM_BIBTEX,
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
