/** Downloading and verifying, against what people type. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { alone, compare } from './compare.mjs';
import { dataFolder, nineFiles, PCAM, servedManifest, stem, tissue } from './data.mjs';
import { measure, shell } from './measure.mjs';
import { startNginx } from './nginx.mjs';

/** Archive to verified .h5. */
export async function downloads({ work, split, patches, runs }) {
  const folder = await tissue({ work, split, patches });
  const server = await startNginx({ folder, state: join(work, 'nginx') });
  try {
    const manifest = servedManifest({ folder, url: server.url, work });
    const [mine, other] = [join(work, 'ours'), join(work, 'theirs')];
    const h5 = `${stem(split)}_x.h5`;
    const url = `${server.url}/${h5}.gz`;
    const clear = () => {
      for (const dir of [mine, other]) rmSync(dir, { recursive: true, force: true });
      mkdirSync(other, { recursive: true });
    };
    const check = async () => {
      await measure(['cmp', join(mine, h5), join(other, h5)]);
      clear();
    };
    const common = { runs, before: clear, check, mostMB: 250 };
    const pcam = [
      ...PCAM,
      'download',
      '--manifest',
      manifest,
      '--dir',
      mine,
      '--split',
      split,
      '--kind',
      'x',
      '--quiet',
    ];
    const gz = join(other, `${h5}.gz`);
    return [
      await compare({
        ...common,
        work: `archive to verified .h5, ${patches} patches`,
        against: 'aria2c -x16, md5sum, gunzip',
        aim: 0.42,
        ours: pcam,
        theirs: [
          ['aria2c', '-q', '-x16', '-s16', '-d', other, url],
          ['md5sum', gz],
          ['gunzip', gz],
        ],
      }),
      await compare({
        ...common,
        work: 'the same',
        against: 'curl \\| tee >(md5sum) \\| pigz -d',
        aim: 0.85,
        ours: pcam,
        theirs: shell(`curl -s '${url}' | tee >(md5sum > '${other}/md5') | pigz -d > '${join(other, h5)}'`),
      }),
    ];
  } finally {
    await server.stop();
  }
}

export async function verifications({ work, split, patches, runs }) {
  const folder = await tissue({ work, split, patches });
  const dir = await dataFolder({ folder, work, split });
  const nine = await nineFiles({ work, patches });
  const manifest = join(folder, 'manifest.json');
  const verify = (...args) => [...PCAM, 'verify', '--json', ...args];
  return [
    await compare({
      runs,
      work: `verify of one split, ${patches} patches`,
      against: 'md5sum of its three files',
      aim: 0.8,
      ours: verify('--manifest', manifest, '--dir', dir, '--split', split),
      theirs: shell(`md5sum '${dir}/${stem(split)}'_*`),
    }),
    await compare({
      runs,
      work: 'verify of nine files, train twice as large as the others',
      against: 'md5sum of the nine files',
      aim: 0.6,
      ours: verify('--manifest', join(nine, 'manifest.json'), '--dir', nine),
      theirs: shell(`md5sum '${nine}'/camelyon*`),
    }),
    await startUp({
      work: 'verify --quick',
      aim: 0.15,
      ours: verify('--quick', '--manifest', manifest, '--dir', dir, '--split', split),
    }),
  ];
}

/** Short commands: the difference to an empty script, over more runs. */
export async function startUps() {
  const rows = [];
  for (const args of [['--version'], ['--help'], ['cache-key']]) {
    rows.push(await startUp({ work: `pcam ${args[0]}`, aim: 0.06, ours: [...PCAM, ...args] }));
  }
  return rows;
}

function startUp(comparison) {
  const theirs = [process.execPath, '-e', '0'];
  return compare({ runs: 9, against: 'node -e 0', unit: 'difference', theirs, ...comparison });
}

/** Time and memory of a download by size. */
export async function growthOfDownload({ work, split, sizes, runs }) {
  const rows = [];
  for (const patches of sizes) {
    const folder = await tissue({ work, split, patches });
    const server = await startNginx({ folder, state: join(work, 'nginx') });
    const manifest = servedManifest({ folder, url: server.url, work });
    const dir = join(work, 'growth');
    try {
      rows.push(
        await alone({
          runs,
          work: `download, ${patches} patches`,
          mostMB: 250,
          ours: [...PCAM, 'download', '--manifest', manifest, '--dir', dir, '--split', split, '--quiet'],
          before: () => rmSync(dir, { recursive: true, force: true }),
        }),
      );
    } finally {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  }
  return rows;
}
