/** The thread of a pass. */
import { serveParent } from '../threads/index.js';
import { servePass } from './serve.js';

serveParent(servePass);
