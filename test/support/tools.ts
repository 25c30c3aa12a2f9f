/** Finds the real tools that interoperability tests run; where one is missing those tests skip, and fail in CI. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface Tool {
  /** Commands to try, in order. */
  readonly candidates: readonly string[];
  /** Arguments that succeed where the tool is usable. */
  readonly probe: readonly string[];
  /** Debian's package. */
  readonly from: string;
}

const PYTHON = ['/usr/bin/python3', 'python3', 'python'];
const python = (module: string, from: string): Tool => ({
  candidates: PYTHON,
  probe: ['-c', `import ${module}`],
  from,
});

const TOOLS = {
  h5py: python('h5py, numpy', 'python3-h5py'),
  pil: python('h5py, numpy, PIL', 'python3-h5py python3-pil'),
  // Importing torchvision takes seconds, so the probe only looks whether it is there.
  torchvision: python(
    'importlib.util as u, sys; sys.exit(u.find_spec("torchvision") is None)',
    'python3-torchvision',
  ),
  protobuf: python('google.protobuf, h5py, numpy, PIL', 'python3-protobuf python3-h5py python3-pil'),
  sklearn: python('sklearn, scipy', 'python3-sklearn'),
  python: python('sys', 'python3'),
  bash: { candidates: ['bash'], probe: ['--version'], from: 'bash' },
  zsh: { candidates: ['zsh'], probe: ['-f', '-c', 'zmodload zsh/zpty'], from: 'zsh' },
  fish: { candidates: ['fish'], probe: ['--version'], from: 'fish' },
  man: { candidates: ['man'], probe: ['--version'], from: 'man-db groff-base' },
  chromium: {
    candidates: ['/usr/bin/chromium', 'chromium', 'google-chrome'],
    probe: ['--version'],
    from: 'chromium',
  },
  openssl: { candidates: ['openssl'], probe: ['version'], from: 'openssl' },
  nginx: { candidates: ['nginx', '/usr/sbin/nginx'], probe: ['-v'], from: 'nginx-light' },
  tinyproxy: { candidates: ['tinyproxy'], probe: ['-v'], from: 'tinyproxy-bin' },
} satisfies Record<string, Tool>;

export type ToolName = keyof typeof TOOLS;

/**
 * The command that runs a tool, or `undefined` where this machine has none: skip the tests that need it.
 * @throws Error in CI, where every tool has to be there
 */
export async function requireTool(name: ToolName): Promise<string | undefined> {
  const { candidates, probe, from } = TOOLS[name];
  for (const candidate of candidates) {
    const usable = await run(candidate, [...probe]).then(
      () => true,
      () => false,
    );
    if (usable) return candidate;
  }
  const line = `no ${name} here: its tests are skipped (Debian: apt-get install ${from})`;
  if (process.env.CI) throw new Error(line);
  console.warn(line);
  return undefined;
}

/** Runs a command that has to succeed; gives what it wrote to stdout. */
export async function runTool(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(command, [...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
