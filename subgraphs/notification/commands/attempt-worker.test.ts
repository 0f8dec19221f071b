import { expect, test, vi } from 'vitest';
import { quiet } from '#platform/testing/messaging.ts';
import { createAttemptWorker } from './attempt-worker.ts';

const AT_ONCE = 2;

/** Starts a worker on a list of due work. `end` ends an attempt, and `fault` makes it reject. */
function start(due: string[], { save = async () => undefined }: { save?: () => Promise<void> } = {}) {
  const { logger } = quiet();
  const error = vi.spyOn(logger, 'error');
  const warn = vi.spyOn(logger, 'warn');
  const attempts = new Map<string, { end: () => void; fault: (error: Error) => void }>();
  const saved: string[] = [];
  const worker = createAttemptWorker<string, string>({
    what: 'the work',
    pollMs: 1,
    roomFor: (inFlight) => AT_ONCE - inFlight,
    claim: async (room) => due.splice(0, room),
    attempt: (name) =>
      new Promise((resolve, reject) => {
        attempts.set(name, { end: () => resolve(name), fault: reject });
      }),
    async save(ended) {
      await save();
      saved.push(...ended);
    },
    idsOf: (name) => ({ name }),
    logger,
  });
  return { worker, attempts, saved, error, warn };
}

test('the next attempt starts when one ends, also while another one hangs', async () => {
  const { worker, attempts, saved } = start(['a', 'b', 'c', 'd']);
  await vi.waitFor(() => expect([...attempts.keys()]).toEqual(['a', 'b']));
  attempts.get('b')?.end();
  await vi.waitFor(() => expect([...attempts.keys()]).toEqual(['a', 'b', 'c']));
  attempts.get('c')?.end();
  await vi.waitFor(() => expect([...attempts.keys()]).toEqual(['a', 'b', 'c', 'd']));
  expect(saved).toEqual(['b', 'c']);
  for (const name of ['a', 'd']) attempts.get(name)?.end();
  await worker.stop();
  expect(saved.toSorted()).toEqual(['a', 'b', 'c', 'd']);
});

test('nothing is claimed until ended attempts are saved, and the outage is logged once', async () => {
  let [isDown, failures] = [true, 0];
  const save = async () => {
    if (isDown) failures += 1;
    if (isDown) throw new Error('the database is down');
  };
  const { worker, attempts, saved, warn } = start(['a', 'b', 'c'], { save });
  await vi.waitFor(() => expect([...attempts.keys()]).toEqual(['a', 'b']));
  attempts.get('a')?.end();
  await vi.waitFor(() => expect(warn).toHaveBeenCalledOnce());
  attempts.get('b')?.end();
  await vi.waitFor(() => expect(failures).toBeGreaterThan(5));
  expect([...attempts.keys()]).toEqual(['a', 'b']);
  isDown = false;
  await vi.waitFor(() => expect([...attempts.keys()]).toEqual(['a', 'b', 'c']));
  expect(saved).toEqual(['a', 'b']);
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    { err: expect.any(Error) },
    'the work was interrupted; it will be retried',
  );
  attempts.get('c')?.end();
  await worker.stop();
});

test('an attempt that rejects is logged with its ids, makes room, and is not saved', async () => {
  const { worker, attempts, saved, error } = start(['a', 'b', 'c']);
  await vi.waitFor(() => expect(attempts.size).toBe(2));
  attempts.get('a')?.fault(new Error('a fault'));
  await vi.waitFor(() => expect(attempts.size).toBe(3));
  expect(error).toHaveBeenCalledExactlyOnceWith(
    { err: expect.any(Error), name: 'a' },
    'the work failed; it will be retried',
  );
  for (const name of ['b', 'c']) attempts.get(name)?.end();
  await worker.stop();
  expect(saved).toEqual(['b', 'c']);
});

test('a worker that stops starts no more attempts and saves those in flight', async () => {
  const { worker, attempts, saved } = start(['a', 'b', 'c']);
  await vi.waitFor(() => expect(attempts.size).toBe(2));
  const stopped = worker.stop();
  for (const name of ['a', 'b']) attempts.get(name)?.end();
  await stopped;
  expect(saved).toEqual(['a', 'b']);
  expect([...attempts.keys()]).toEqual(['a', 'b']);
});
