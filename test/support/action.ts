/** Runs a composite GitHub action as a runner does, as far as action.yml needs it: steps, expressions, a cache. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';

const run = promisify(execFile);

export interface Step {
  name: string;
  id?: string;
  if?: string;
  uses?: string;
  with?: Record<string, string>;
  run?: string;
  env?: Record<string, string>;
}

export interface Action {
  inputs: Record<string, { default: string }>;
  outputs: Record<string, { value: string }>;
  runs: { steps: Step[] };
}

export async function readAction(): Promise<Action> {
  return parse(await readFile(join(import.meta.dirname, '..', '..', 'action.yml'), 'utf8'));
}

export interface Runner {
  /** The job's folder. */
  workspace: string;
  /** Where cache entries are, as archives by key. */
  caches: string;
  /** A folder with `pcam` in it. */
  path: string;
}

export interface Job {
  outputs: Record<string, string>;
  /** Names of the steps that ran. */
  ran: string[];
  log: string;
}

/** @throws Error of the first step that fails */
export async function runAction(
  { inputs, outputs, runs }: Action,
  given: Record<string, string>,
  runner: Runner,
): Promise<Job> {
  const defaults = Object.entries(inputs).map(([name, input]) => [name, input.default]);
  const context: Context = { inputs: { ...Object.fromEntries(defaults), ...given }, steps: {} };
  const job: Job = { outputs: {}, ran: [], log: '' };
  for (const step of runs.steps) {
    if (step.if !== undefined && !evaluate(step.if, context)) continue;
    const result = step.uses ? await useCache(step, context, runner) : await runScript(step, context, runner);
    job.ran.push(step.name);
    job.log += result.log;
    if (step.id) context.steps[step.id] = result.outputs;
  }
  for (const [name, { value }] of Object.entries(outputs)) job.outputs[name] = fill(value, context);
  return job;
}

interface Context {
  inputs: Record<string, string>;
  steps: Record<string, Record<string, string>>;
}

interface StepResult {
  outputs: Record<string, string>;
  log: string;
}

async function runScript(step: Step, context: Context, runner: Runner): Promise<StepResult> {
  const output = join(runner.caches, 'output');
  await writeFile(output, '');
  const own = Object.entries(step.env ?? {}).map(([name, value]) => [name, fill(value, context)]);
  const env = {
    PATH: `${runner.path}:/usr/bin:/bin`,
    GITHUB_OUTPUT: output,
    ...Object.fromEntries(own),
  };
  // As the runner starts `shell: bash`.
  const args = ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', step.run!];
  const { stdout, stderr } = await run('bash', args, { cwd: runner.workspace, env });
  const lines = (await readFile(output, 'utf8')).split('\n').filter(Boolean);
  const pairs = lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  return { outputs: Object.fromEntries(pairs), log: stdout + stderr };
}

/** actions/cache packs with `tar --posix`. */
async function useCache(
  { uses = '', with: settings = {} }: Step,
  context: Context,
  runner: Runner,
): Promise<StepResult> {
  const [path, key] = [fill(settings.path!, context), fill(settings.key!, context)];
  const archive = join(runner.caches, `${key}.tar`);
  if (uses.startsWith('actions/cache/save@')) {
    await run('tar', ['--posix', '-cf', archive, path], { cwd: runner.workspace });
    return { outputs: {}, log: `saved ${key}\n` };
  }
  if (!uses.startsWith('actions/cache/restore@'))
    throw new Error(`an action that the test does not know: ${uses}`);
  const hit = await stat(archive).then(
    () => true,
    () => false,
  );
  if (hit) {
    await mkdir(runner.workspace, { recursive: true });
    await run('tar', ['-xf', archive], { cwd: runner.workspace });
  }
  return { outputs: { 'cache-hit': String(hit) }, log: '' };
}

function fill(text: string, context: Context): string {
  return text.replace(/\$\{\{(.*?)\}\}/g, (_, expression: string) => String(evaluate(expression, context)));
}

/** Expressions are like those of JavaScript, but for names with hyphens and `format`. */
function evaluate(expression: string, { inputs, steps }: Context): unknown {
  const code = expression
    .replace(/\binputs\.([\w-]+)/g, (_, name: string) => JSON.stringify(inputs[name] ?? ''))
    .replace(/\bsteps\.(\w+)\.outputs\.([\w-]+)/g, (_, id: string, name: string) =>
      JSON.stringify(steps[id]?.[name] ?? ''),
    );
  const format = (text: string, ...values: string[]) =>
    text.replace(/\{(\d)\}/g, (_, i: string) => values[Number(i)]!);
  return new Function('format', `return (${code});`)(format);
}
