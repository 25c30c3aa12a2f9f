#!/usr/bin/env node
/**
 * Parquet exports as DuckDB reads them.
 *
 *   node bench/parquet.mjs compare EXPORT SHARDS   are PNGs and labels those of the PNG shards, byte for byte?
 *   node bench/parquet.mjs speed EXPORT            patches per second, sequential and random: JSON
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import duckdb from '@duckdb/node-api';

const BLOCK = 512;
const RANDOM_READS = 100;

/** SHA-256 of all PNGs and labels in their order. */
function digestOfShards(folder) {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.tar'))
    .sort()) {
    const tar = readFileSync(join(folder, name));
    for (let at = 0; tar[at] !== 0; ) {
      const member = tar.toString('latin1', at, at + 100).replace(/\0.*/s, '');
      const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
      if (/\.(png|cls)$/.test(member)) hash.update(tar.subarray(at + BLOCK, at + BLOCK + size));
      at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    }
  }
  return hash.digest('hex');
}

async function digestOfParquet(connection, files) {
  const hash = createHash('sha256');
  for (const file of files) {
    const result = await connection.stream(`select image.bytes, label from read_parquet('${file}')`);
    for (let chunk = await result.fetchChunk(); chunk?.rowCount; chunk = await result.fetchChunk()) {
      for (const [png, label] of chunk.getRows()) hash.update(png.bytes).update(String(label));
    }
  }
  return hash.digest('hex');
}

async function speed(connection, files) {
  let began = performance.now();
  let patches = 0;
  let bytes = 0;
  for (const file of files) {
    const result = await connection.stream(`select image.bytes, label from read_parquet('${file}')`);
    for (let chunk = await result.fetchChunk(); chunk?.rowCount; chunk = await result.fetchChunk()) {
      for (const [png] of chunk.getRows()) bytes += png.bytes.length;
      patches += chunk.rowCount;
    }
  }
  const sequential = patches / ((performance.now() - began) / 1000);
  began = performance.now();
  for (let i = 0; i < RANDOM_READS; i++) {
    const row = (i * 7919) % Math.min(patches, 20_000);
    const query = `select image.bytes, label from read_parquet('${files[0]}', file_row_number = true) where file_row_number = ${row}`;
    bytes += (await connection.runAndReadAll(query)).getRows()[0][0].bytes.length;
  }
  const random = RANDOM_READS / ((performance.now() - began) / 1000);
  if (!(bytes > 0)) throw new Error('nothing was read');
  return { sequential, random };
}

const [task, folder, shards] = process.argv.slice(2);
const data = join(folder, 'data');
const files = readdirSync(data)
  .sort()
  .map((name) => join(data, name));
const instance = await duckdb.DuckDBInstance.create(':memory:');
const connection = await instance.connect();
// Rows in the order of the file.
await connection.run('set threads = 2; set preserve_insertion_order = true');
if (task === 'compare') {
  const same = (await digestOfParquet(connection, files)) === digestOfShards(shards);
  if (!same) throw new Error('the Parquet files hold other PNGs or labels than the shards');
} else {
  process.stdout.write(`${JSON.stringify(await speed(connection, files))}\n`);
}
connection.closeSync();
instance.closeSync();
