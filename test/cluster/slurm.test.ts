/** The scripts of examples/slurm on a real Slurm: what five array tasks make is what a single run makes. */
import { access, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeDataset } from '../support/dataset.js';
import { PCAM, startPcam } from '../support/process.js';
import { requireSlurm, type Slurm, startSlurm } from '../support/slurm.js';
import { temporaryFolder } from '../support/temp.js';
import { treeOf } from '../support/tree.js';
import { until } from '../support/until.js';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples', 'slurm');
const available = await requireSlurm();
const PARTS = 5;
const KILLED = 3;

/** Stands for pcam. The first attempt of one task stops when it has begun to write, and stays so until it is killed. */
const wrapper = (folder: string) => `#!/bin/bash
if [ "\${SLURM_ARRAY_TASK_ID:-}" != ${KILLED} ] || [ -n "\${SLURM_RESTART_COUNT:-}" ]; then
  exec ${process.execPath} ${PCAM} "$@"
fi
${process.execPath} ${PCAM} "$@" &
until compgen -G '${folder}/out/.pcam-tmp/*.part-${KILLED}-of-${PARTS}' > /dev/null; do sleep 0.01; done
kill -STOP $!
touch ${folder}/begun
wait
`;

async function prepare() {
  const folder = await temporaryFolder();
  const data = await makeDataset({ train: 300, valid: 40, test: 40, root: folder });
  const program = join(folder, 'pcam');
  await writeFile(program, wrapper(folder));
  await chmod(program, 0o755);
  const manifest = join(folder, 'archives', 'manifest.json');
  const settings = {
    PCAM: program,
    PCAM_DIR: data.dir,
    PCAM_MANIFEST: manifest,
    FORMAT: 'png',
    OUT: join(folder, 'out'),
    PARTS: String(PARTS),
    EXPORT_OPTIONS: '--shard-size 10',
    DOWNLOAD: '0',
    TMPDIR: folder,
  };
  return { folder, settings, slurm: await startSlurm(folder) };
}

async function submit(slurm: Slurm, settings: Record<string, string>) {
  const said = await slurm.run(join(EXAMPLES, 'submit.sh'), [], settings);
  const [, array, finish] = /^array job (\d+), then (\d+)$/.exec(said)!;
  return { array: array!, finish: finish! };
}

async function ended(slurm: Slurm, job: string): Promise<void> {
  await until(`job ${job} has ended`, async () => {
    const state = await slurm.run('scontrol', ['--oneliner', 'show', 'job', job]);
    if (/JobState=(FAILED|TIMEOUT|CANCELLED|NODE_FAIL)/.test(state)) throw new Error(state);
    if (!/JobState=COMPLETED/.test(state)) throw new Error(state);
  });
}

async function expectWhole(folder: string, settings: Record<string, string>): Promise<void> {
  const whole = join(folder, 'whole');
  const args = ['export', '--format', 'png', '--shard-size', '10', '--out', whole];
  const { PCAM_DIR = '', PCAM_MANIFEST = '' } = settings;
  const { code, stderr } = await startPcam(args, { env: { PCAM_DIR, PCAM_MANIFEST } }).ended;
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  const tree = await treeOf(join(folder, 'out'));
  expect(Object.keys(tree)).toContain('index.json');
  expect(tree).toEqual(await treeOf(whole));
}

describe.skipIf(!available)('on Slurm', () => {
  it('five array tasks, one of them killed and requeued, make what a single run makes', async () => {
    const { folder, settings, slurm } = await prepare();
    await mkdir(settings.OUT);
    const { array, finish } = await submit(slurm, settings);
    await until('the task has begun', () => access(join(folder, 'begun')));
    await slurm.run('scontrol', ['requeue', `${array}_${KILLED}`]);
    await ended(slurm, finish);
    const output = await readFile(join(folder, `slurm-${array}_${KILLED}.out`), 'utf8');
    expect(output).toContain('REQUEUE');
    await expectWhole(folder, settings);
  }, 180_000);

  it('tasks that write on the disk of their node make what a single run makes', async () => {
    const { folder, settings, slurm } = await prepare();
    await mkdir(settings.OUT);
    const plain = { ...settings, SCRATCH: '1', SLURM_RESTART_COUNT: '1' };
    const { finish } = await submit(slurm, plain);
    await ended(slurm, finish);
    await expectWhole(folder, settings);
  }, 180_000);
});
