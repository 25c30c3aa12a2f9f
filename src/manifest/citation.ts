/** How to cite a data set, as BibTeX: entries for the papers that PCam's manifest names. */
import { printable } from '../core/index.js';
import type { Manifest } from './types.js';

/** The paper of PCam. */
export const PCAM_BIBTEX = `@inproceedings{veeling2018rotation,
  title = {Rotation Equivariant {CNNs} for Digital Pathology},
  author = {Veeling, Bastiaan S. and Linmans, Jasper and Winkens, Jim and Cohen, Taco and Welling, Max},
  booktitle = {Medical Image Computing and Computer Assisted Intervention ({MICCAI})},
  year = {2018},
  eprint = {1806.03962},
  archivePrefix = {arXiv}
}`;

const ENTRIES: Record<string, string> = {
  'arXiv:1806.03962': PCAM_BIBTEX,
  'doi:10.1001/jama.2017.14585': `@article{bejnordi2017diagnostic,
  title = {Diagnostic Assessment of Deep Learning Algorithms for Detection of Lymph Node Metastases in Women With Breast Cancer},
  author = {Ehteshami Bejnordi, Babak and Veta, Mitko and van Diest, Paul Johannes and others},
  journal = {JAMA},
  volume = {318},
  number = {22},
  pages = {2199--2210},
  year = {2017},
  doi = {10.1001/jama.2017.14585}
}`,
};

/** Entries for what the manifest asks to cite, `@misc` for unknown ones; where it asks for nothing, the papers of PCam. */
export function bibtex({ citation, dataset }: Pick<Manifest, 'citation' | 'dataset'>): string {
  const ids = citation.length > 0 ? citation : Object.keys(ENTRIES);
  return ids.map((id, i) => ENTRIES[id] ?? miscEntry(`${dataset}${i + 1}`, id)).join('\n\n');
}

function miscEntry(key: string, id: string): string {
  return printable(`@misc{${key.replace(/\W/g, '')}, note = {${id.replace(/[{}\\]/g, '')}}}`);
}
