/** Makes a test the owner of a folder until it is over. */
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Workspace } from '#pcam/fs/workspace.js';
import { layout, type OwnedLayout } from '#pcam/store/layout.js';

export async function workspaceIn(folder: string): Promise<Workspace> {
  const options = { lock: join(folder, '.state', 'lock'), temporaries: join(folder, '.state', 'tmp') };
  const workspace = await Workspace.open({ ...options, command: 'test' });
  onTestFinished(() => workspace.close());
  return workspace;
}

export interface Owned {
  readonly paths: OwnedLayout;
  release(): Promise<void>;
}

/** The data set folder as a run sees it; nothing of an earlier run is finished or taken over. */
export async function ownFolder(dir: string): Promise<Owned> {
  const { lock, temporaries } = layout(dir);
  const keep = (name: string) => name.startsWith('swap-');
  const workspace = await Workspace.open({ lock, temporaries, command: 'test', keep });
  onTestFinished(() => workspace.close());
  return { paths: { ...layout(dir), workspace }, release: () => workspace.close() };
}
