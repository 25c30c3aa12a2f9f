/** What search engines and tools read of the report: schema.org in JSON-LD. */
import { HOMEPAGE } from '../../../core/index.js';
import type { ReportModel } from '../model/index.js';
import { integer } from './words.js';

const LICENSES: Record<string, string> = { 'CC0-1.0': 'https://creativecommons.org/publicdomain/zero/1.0/' };

export function jsonLd(model: ReportModel): object {
  const { manifest, files, stats, real, version } = model;
  const { dataset, homepage, license, citation } = manifest;
  return {
    '@context': 'https://schema.org/',
    '@type': 'Dataset',
    name: real ? 'PatchCamelyon (PCam)' : dataset,
    description: `${integer(stats.all.patches)} RGB patches of 96 x 96 px from lymph node sections, labeled by whether the center 32 x 32 px contain tumor tissue.`,
    ...(homepage && { url: homepage }),
    ...(license && { license: LICENSES[license] ?? license }),
    citation: [...citation],
    measurementTechnique: 'whole-slide imaging of H&E-stained sections',
    variableMeasured: stats.splits.flatMap(({ split, patches, unique }) => [
      { '@type': 'PropertyValue', name: `patches of ${split}`, value: patches },
      { '@type': 'PropertyValue', name: `unique patches of ${split}`, value: unique },
    ]),
    distribution: files.map(({ name, bytes, md5 }) => ({
      '@type': 'DataDownload',
      name,
      encodingFormat: name.endsWith('.csv') ? 'text/csv' : 'application/x-hdf5',
      ...(bytes !== null && { contentSize: `${bytes} B` }),
      identifier: `md5:${md5}`,
    })),
    creator: { '@type': 'SoftwareApplication', name: 'pcam', softwareVersion: version, url: HOMEPAGE },
  };
}
