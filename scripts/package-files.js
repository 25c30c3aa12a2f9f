#!/usr/bin/env node
// Writes the files of the package that follow from its code and manifest. A test says when they are out of date.
import { writeFile } from 'node:fs/promises';
import { packageFiles } from './lib/package-files.js';

for (const { path, text } of await packageFiles()) await writeFile(path, text);
