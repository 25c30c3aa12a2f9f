export type {
  Centre,
  FileStatus,
  Picture,
  Repeat,
  ReportFile,
  ReportModel,
  ShownPatch,
  SlideFacts,
  SplitSlides,
} from './model.js';
