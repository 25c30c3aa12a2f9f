/** Help fits a terminal of 80 columns, and breaks no word. */
import { expect, it } from 'vitest';
import type { Context } from '#pcam/commands/context.js';
import { createProgram } from '#pcam/commands/program.js';

it('every line of every help fits 80 columns', async () => {
  let text = '';
  const stdout = { write: (words: string) => (text += words) };
  const env = { proxy: {}, calledAs: 'pcam' };
  const program = await createProgram({ stdout, stderr: stdout, env, given: {} } as unknown as Context);
  for (const command of [program, ...program.commands]) {
    text = '';
    command.outputHelp();
    expect(text, command.name()).toContain('Usage: pcam');
    const wide = text.split('\n').filter((line) => line.length > 80);
    expect(wide, command.name()).toEqual([]);
  }
});
