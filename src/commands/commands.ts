/** The commands, one line each. A command and what it needs are loaded when it is asked for: start-up takes half the time. */
import type { Command } from 'commander';
import type { Context } from './context/index.js';

export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  load(context: Context): Promise<Command>;
  /** Whether it has to see the definitions of all the others. */
  readonly needsAll?: boolean;
}

/** In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'download',
    summary: 'fetch, verify and decompress the data set',
    async load(context) {
      const { downloadCommand } = await import('./download.js');
      return downloadCommand(context);
    },
  },
  {
    name: 'verify',
    summary: 'check the files in the data set folder',
    async load(context) {
      const { verifyCommand } = await import('./verify.js');
      return verifyCommand(context);
    },
  },
  {
    name: 'export',
    summary: 'turn the data set into what training jobs read',
    async load(context) {
      const { exportCommand } = await import('./export.js');
      return exportCommand(context);
    },
  },
  {
    name: 'stats',
    summary: 'count and measure: classes, slides, duplicates, channels',
    async load(context) {
      const { statsCommand } = await import('./stats.js');
      return statsCommand(context);
    },
  },
  {
    name: 'subset',
    summary: 'write selected patches as a small data set of their own',
    async load(context) {
      const { subsetCommand } = await import('./subset.js');
      return subsetCommand(context);
    },
  },
  {
    name: 'preview',
    summary: 'show a contact sheet of patches, on the terminal or as a PNG file',
    async load(context) {
      const { previewCommand } = await import('./preview.js');
      return previewCommand(context);
    },
  },
  {
    name: 'report',
    summary: 'write one HTML page about the data set',
    async load(context) {
      const { reportCommand } = await import('./report.js');
      return reportCommand(context);
    },
  },
  {
    name: 'info',
    summary: 'show the files, their digests and sources, and their state in the folder',
    async load(context) {
      const { infoCommand } = await import('./info.js');
      return infoCommand(context);
    },
  },
  {
    name: 'cache-key',
    summary: 'print a key for a CI cache',
    async load(context) {
      const { cacheKeyCommand } = await import('./cache-key.js');
      return cacheKeyCommand(context);
    },
  },
  {
    name: 'fixture',
    summary: 'make a small synthetic data set, for tests and trials',
    async load(context) {
      const { fixtureCommand } = await import('./fixture.js');
      return fixtureCommand(context);
    },
  },
  {
    name: 'completion',
    summary: 'print a completion script for bash, zsh or fish',
    needsAll: true,
    async load(context) {
      const { completionCommand } = await import('./completion.js');
      return completionCommand(context);
    },
  },
];
