/** The options that select patches: the same on every command that takes some of them. */
import type { Command } from 'commander';
import { LIMITS } from '../../core/index.js';
import type { SelectionOptions } from '../../selection/index.js';
import { choice, list, whole } from './parsers.js';

/** What commander makes of them. */
export type PatchOptions = Omit<SelectionOptions, 'label'> & { label?: '0' | '1' };

/** Adds the options of a selection. They combine: filters first, then sampling, then the order. */
export function addPatchOptions(command: Command): Command {
  return command
    .option('--unique', 'only the first of pixel-identical patches of a split')
    .option('--label <0|1>', 'only patches with this label', choice(['0', '1']))
    .option(
      '--slides <globs>',
      'only patches of these slides, such as *tumor_0?3* (needs the meta CSV)',
      list,
    )
    .option('--per-class <n>', 'n random patches of each class of each split', whole(LIMITS.patches))
    .option(
      '--per-slide <n>',
      'at most n random patches per slide (needs the meta CSV)',
      whole(LIMITS.patches),
    )
    .option('--sample <n>', 'n random patches per split', whole(LIMITS.patches))
    .option('--indices <file>', 'only the patches in this file: one index, or split,index, per line')
    .option('--shuffle', 'in a random order (default: in the order of the file)')
    .option('--seed <n>', 'the same seed gives the same patches and order (default: 0)', whole(LIMITS.seed));
}

/** The selection that those options ask for. */
export function selectionOf(options: PatchOptions): SelectionOptions {
  const { unique, label, slides, perClass, perSlide, sample, indices, shuffle, seed } = options;
  return {
    unique,
    label: label === undefined ? undefined : label === '1' ? 1 : 0,
    slides,
    perClass,
    perSlide,
    sample,
    indices,
    shuffle,
    seed,
  };
}
