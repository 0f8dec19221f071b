/**
 * npm run tour
 *
 * Writes docs/operations-collection: a file for each operation of docs/tour.md, to copy or to import.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runScript } from './local/run-script.ts';
import { LocalError, root } from './local/settings.ts';
import { stepsOfTour, type TourStep, withComment } from './tour/steps.ts';

const FOLDER = 'docs/operations-collection';

/** The steps of docs/tour.md. */
export const readTour = (): TourStep[] => stepsOfTour(readFileSync(join(root, 'docs/tour.md'), 'utf8'));

const fileOf = ({ name }: TourStep, index: number) =>
  `${index + 1}-${name.replace(/(?<=.)[A-Z]/g, '-$&').toLowerCase()}.graphql`;

/** Writes the collection, or only checks it. @throws LocalError when it is outdated */
export function writeCollection({ checkOnly = false } = {}): void {
  const files = new Map(readTour().map((step, index) => [fileOf(step, index), withComment(step)]));
  const present = globSync('*.graphql', { cwd: join(root, FOLDER) });
  const outdated = [...new Set([...present, ...files.keys()])].filter(
    (file) => !present.includes(file) || readFileSync(join(root, FOLDER, file), 'utf8') !== files.get(file),
  );
  if (checkOnly && outdated.length > 0) throw new LocalError(`${FOLDER} is outdated. Run: npm run tour`);
  for (const file of outdated) {
    const text = files.get(file);
    if (text === undefined) rmSync(join(root, FOLDER, file));
    else writeFileSync(join(root, FOLDER, file), text);
  }
}

if (import.meta.main) {
  await runScript(() => {
    writeCollection();
    console.log(`${FOLDER} is up to date.`);
  });
}
