/** A thread of an export. */
import { serveParent } from '../../threads/index.js';
import { serveExport } from './shard-worker.js';

serveParent(serveExport);
