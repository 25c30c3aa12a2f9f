/** A thread of a scan. */
import { serveParent } from '../threads/index.js';
import { serveScan } from './scanner.js';

serveParent(serveScan);
