/**
 * Croissant 1.0, the machine-readable description of a data set: of PCam in general, and of a Parquet export.
 * https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html
 */
import { isSynthetic, PCAM_BIBTEX } from '../../manifest/index.js';
import { HUB_SPLITS, META_COLUMNS, type MetaColumn } from './sample.js';
import type { FinishRequest } from './types.js';

export const CROISSANT_FILE = 'croissant.json';

/** Appendix 1 of the specification. */
const CONTEXT = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  cr: 'http://mlcommons.org/croissant/',
  rai: 'http://mlcommons.org/croissant/RAI/',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  dct: 'http://purl.org/dc/terms/',
  equivalentProperty: 'cr:equivalentProperty',
  examples: { '@id': 'cr:examples', '@type': '@json' },
  extract: 'cr:extract',
  field: 'cr:field',
  fileProperty: 'cr:fileProperty',
  fileObject: 'cr:fileObject',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  parentField: 'cr:parentField',
  path: 'cr:path',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  samplingRate: 'cr:samplingRate',
  sc: 'https://schema.org/',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
  wd: 'https://www.wikidata.org/wiki/',
};

const AUTHORS = ['B. S. Veeling', 'J. Linmans', 'J. Winkens', 'T. Cohen', 'M. Welling'];

/** A document about PCam in any form: with its own description and files. */
export function croissant(rest: { description: string; distribution: object[]; recordSet?: object[] }) {
  return {
    '@context': CONTEXT,
    '@type': 'sc:Dataset',
    name: 'PatchCamelyon',
    alternateName: 'PCam',
    description: rest.description,
    conformsTo: 'http://mlcommons.org/croissant/1.0',
    license: 'https://creativecommons.org/publicdomain/zero/1.0/',
    url: 'https://github.com/basveeling/pcam',
    sameAs: 'https://zenodo.org/records/2546921',
    version: '1.0.0',
    datePublished: '2018-06-08',
    creator: AUTHORS.map((name) => ({ '@type': 'sc:Person', name })),
    keywords: ['histopathology', 'lymph node', 'metastasis', 'image classification'],
    citeAs: PCAM_BIBTEX.replace(/\n\s*/g, ' '),
    isLiveDataset: false,
    distribution: rest.distribution,
    ...(rest.recordSet ? { recordSet: rest.recordSet } : {}),
  };
}

const PARQUET = 'application/x-parquet';
const SHARDS = 'parquet-shards';
/** Wikidata's entry for training, validation and test sets. */
const SPLIT_TYPE = 'wd:Q3985153';
/** https://docs.mlcommons.org/croissant/docs/howto/specify-splits.html */
const DEFINITIONS: Record<string, string> = {
  train: 'training_split',
  validation: 'validation_split',
  test: 'test_split',
};

/** The document of a Parquet export: its files with their digests, and the meaning of their columns. */
export function parquetCroissant({ recipe, splits, records, meta }: FinishRequest): string {
  const shards = [...records.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
  const side = recipe.crop === null ? '96 x 96 px' : '32 x 32 px, the centre of the original 96 x 96 px';
  const document = croissant({
    description: isSynthetic(recipe.dataset)
      ? `Synthetic data in the layout of PatchCamelyon, in Parquet: patches drawn by pcam for tests (RGB, ${side}). There is no tissue in them.`
      : `PatchCamelyon in Parquet: patches of H&E-stained lymph node sections (RGB, ${side}), and whether the centre 32 x 32 px contain tumor tissue.`,
    distribution: [
      ...shards.map(({ file, bytes, sha256 }) => ({
        '@type': 'cr:FileObject',
        '@id': file,
        name: file,
        contentUrl: file,
        contentSize: `${bytes} B`,
        encodingFormat: PARQUET,
        sha256,
      })),
      {
        '@type': 'cr:FileSet',
        '@id': SHARDS,
        name: SHARDS,
        description: 'All shards.',
        encodingFormat: PARQUET,
        includes: 'data/*.parquet',
      },
    ],
    recordSet: [splitNames(splits.map(({ split }) => HUB_SPLITS[split])), patches({ recipe, meta })],
  });
  return `${JSON.stringify(document, null, 2)}\n`;
}

function splitNames(names: readonly string[]) {
  return {
    '@type': 'cr:RecordSet',
    '@id': 'splits',
    name: 'splits',
    description: 'The names of the splits.',
    dataType: 'cr:Split',
    key: { '@id': 'splits/name' },
    field: [
      { '@type': 'cr:Field', '@id': 'splits/name', name: 'splits/name', dataType: 'sc:Text' },
      { '@type': 'cr:Field', '@id': 'splits/url', name: 'splits/url', dataType: ['sc:URL', SPLIT_TYPE] },
    ],
    data: names.map((name) => ({
      'splits/name': name,
      'splits/url': `https://mlcommons.org/definitions/${DEFINITIONS[name]}`,
    })),
  };
}

function patches({ recipe, meta }: Pick<FinishRequest, 'recipe' | 'meta'>) {
  const field = ({ name, dataType, description, source, ...more }: FieldFacts) => ({
    '@type': 'cr:Field',
    '@id': `patches/${name}`,
    name: `patches/${name}`,
    description,
    dataType,
    source: { fileSet: { '@id': SHARDS }, ...(source ?? { extract: { column: name } }) },
    ...more,
  });
  return {
    '@type': 'cr:RecordSet',
    '@id': 'patches',
    name: 'patches',
    description: 'One record per patch.',
    field: [
      ...[SPLIT_FIELD, IMAGE_FIELD, LABEL_FIELD],
      ...(recipe.selection ? [INDEX_FIELD] : []),
      ...(recipe.sha1 ? [SHA1_FIELD] : []),
      ...(meta ? META_FIELDS : []),
    ].map(field),
  };
}

interface FieldFacts {
  name: string;
  dataType: string | string[];
  description: string;
  source?: object;
  references?: object;
}

/** A shard's name says its split. */
const SPLIT_FIELD: FieldFacts = {
  name: 'split',
  dataType: ['sc:Text', SPLIT_TYPE],
  description: 'The split of the patch.',
  source: {
    extract: { fileProperty: 'fullpath' },
    // Also right for a split's name alone: mlcroissant applies it once more to what it has found.
    transform: { regex: '(?:data/)?(train|validation|test)(?:-.+[.]parquet)?$' },
  },
  references: { field: { '@id': 'splits/name' } },
};
const IMAGE_FIELD: FieldFacts = {
  name: 'image',
  dataType: 'sc:ImageObject',
  description: 'The patch as PNG.',
  source: { extract: { column: 'image' }, transform: { jsonPath: 'bytes' } },
};
const LABEL_FIELD: FieldFacts = {
  name: 'label',
  dataType: 'sc:Integer',
  description: '1 where the centre 32 x 32 px contain tumor tissue, otherwise 0.',
};
const INDEX_FIELD: FieldFacts = {
  name: 'index',
  dataType: 'sc:Integer',
  description: 'Index of the patch in its split of PCam.',
};
const SHA1_FIELD: FieldFacts = {
  name: 'sha1',
  dataType: 'sc:Text',
  description: "SHA-1 of the pixels of the whole patch, which is its id in Kaggle's version of PCam.",
};
const DATA_TYPES: Record<MetaColumn['type'], string> = {
  string: 'sc:Text',
  int64: 'sc:Integer',
  bool: 'sc:Boolean',
};
const META_FIELDS: readonly FieldFacts[] = META_COLUMNS.map(({ name, type, description }) => ({
  name,
  dataType: DATA_TYPES[type],
  description,
}));
