import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { createLogger } from '../process/logger.ts';
import { createPruning, type Prune } from './pruning.ts';

const HOUR_MS = 3_600_000;
const logger = createLogger({ service: 'test', level: 'silent' });

/** A number of rows that can be deleted, and a prune function that deletes them. */
function rows(count: number) {
  const table = { left: count, batches: 0 };
  const prune: Prune = async (limit) => {
    const deleted = Math.min(limit, table.left);
    table.left -= deleted;
    table.batches += 1;
    return deleted;
  };
  return { table, prune };
}

test('rows of each kind are deleted in batches until none is left, and counted', async () => {
  const [many, few] = [rows(2_500), rows(3)];
  const metrics = new Registry();
  const pruning = createPruning({
    prunes: { many: many.prune, few: few.prune },
    logger,
    metrics,
    pruneEveryMs: HOUR_MS,
  });
  await vi.waitFor(() => expect([many.table.left, few.table.left]).toEqual([0, 0]));
  await pruning.stop();
  expect(many.table.batches).toBe(3);
  const text = await metrics.metrics();
  expect(text).toContain('pruned_rows_total{kind="many"} 2500');
  expect(text).toContain('pruned_rows_total{kind="few"} 3');
});

test('a kind that fails is logged and retried, and does not delay the others', async () => {
  const warn = vi.spyOn(logger, 'warn');
  const other = rows(1_500);
  const failing = vi.fn<Prune>().mockRejectedValueOnce(new Error('away')).mockResolvedValue(0);
  const pruning = createPruning({
    prunes: { failing, other: other.prune },
    logger,
    metrics: new Registry(),
    pruneEveryMs: 1,
  });
  await vi.waitFor(() => expect(failing.mock.calls.length).toBeGreaterThan(2));
  await pruning.stop();
  expect(other.table.left).toBe(0);
  expect(warn).toHaveBeenCalledOnce();
});

test('stop() waits for the current batch and begins no other', async () => {
  const { promise: end, resolve: release } = Promise.withResolvers<number>();
  const slow = vi.fn<Prune>(() => end);
  const next = vi.fn<Prune>().mockResolvedValue(0);
  const pruning = createPruning({ prunes: { slow, next }, logger, metrics: new Registry(), pruneEveryMs: HOUR_MS });
  await vi.waitFor(() => expect(slow).toHaveBeenCalledOnce());
  const stopped = pruning.stop();
  release(1_000);
  await stopped;
  expect(slow).toHaveBeenCalledOnce();
  expect(next).not.toHaveBeenCalled();
});
