import { expect, test, vi } from 'vitest';
import { currentDeadlineMs, runWithDeadline } from '../clients/deadline.ts';
import { createSharedLoader } from './shared-loader.ts';

test('Loads of one turn of the event loop are joined, and each id is loaded once', async () => {
  const load = vi.fn(async (ids: readonly string[]) => ids.map((id) => `value of ${id}`));
  const shared = createSharedLoader(load);
  const [one, other] = await Promise.all([shared(['a', 'b']), shared(['b', 'c', 'b'])]);
  expect(one).toEqual(['value of a', 'value of b']);
  expect(other).toEqual(['value of b', 'value of c', 'value of b']);
  expect(load.mock.calls).toEqual([[['a', 'b', 'c']]]);
});

test('A later load never returns the value of an earlier one', async () => {
  let version = 0;
  const shared = createSharedLoader(async () => [++version]);
  expect(await shared(['a'])).toEqual([1]);
  const second = shared(['a']);
  await new Promise(setImmediate);
  expect(await Promise.all([second, shared(['a'])])).toEqual([[2], [3]]);
});

test('The error of one id affects only that id, and an error of the load affects all ids', async () => {
  const shared = createSharedLoader(async (ids: readonly string[]) => {
    if (ids.includes('all')) throw new Error('all');
    return ids.map((id) => (id === 'bad' ? new Error('bad') : id));
  });
  expect(await shared(['bad', 'good'])).toEqual([new Error('bad'), 'good']);
  expect(await shared(['all', 'good'])).toEqual([new Error('all'), new Error('all')]);
});

test('A joined load has no deadline of a caller', async () => {
  const shared = createSharedLoader(async (ids: readonly string[]) => ids.map(currentDeadlineMs));
  const deadline = { atMs: performance.now() + 1_000 };
  expect(await runWithDeadline(deadline, () => shared(['a']))).toEqual([Number.POSITIVE_INFINITY]);
});
