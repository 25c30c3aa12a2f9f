export {
  choosePatches,
  choosePatchesOf,
  isSample,
  type PreviewOptions,
  type PreviewResult,
  preview,
} from './preview.js';
export type { SheetPatch } from './sheet.js';
export { drawOnTerminal, fitGrid, type Graphics } from './terminal.js';
