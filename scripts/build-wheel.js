#!/usr/bin/env node
// Makes build/pcam-VERSION-py3-none-any.whl, the same bytes each time: `npm run build:wheel`. Needs no Python.
import { buildWheel } from './lib/wheel.js';

const { path, bytes, seconds } = await buildWheel({ out: 'build' });
console.log(`${path}: ${(bytes / 1e6).toFixed(2)} MB, ${seconds.toFixed(1)} s`);
