import { Registry } from 'prom-client';
import { beforeEach, expect, test, vi } from 'vitest';
import { type Bounds, createBounds } from './bounds.ts';
import { createLogger } from './logger.ts';

const logger = createLogger({ service: 'test', level: 'silent' });
let metrics: Registry;
let bounds: Bounds;
beforeEach(() => {
  vi.restoreAllMocks();
  metrics = new Registry();
  bounds = createBounds({ logger, metrics });
});

test('a warning starts at 80 % of a bound, is logged once, and ends below 75 %', () => {
  const warn = vi.spyOn(logger, 'warn');
  const observe = (used: number) => {
    bounds.observe('outbox rows', used, 100);
    return bounds.warning();
  };
  expect([79, 80, 93, 79, 76].map(observe)).toEqual([
    undefined,
    'outbox rows: 80 %',
    'outbox rows: 93 %',
    'outbox rows: 79 %',
    'outbox rows: 76 %',
  ]);
  expect(warn).toHaveBeenCalledOnce();
  expect(observe(74)).toBeUndefined();
  expect(observe(100)).toBe('outbox rows: 100 %');
  expect(warn).toHaveBeenCalledTimes(2);
});

test('every bound is measured, and the warning names all that are nearly reached', async () => {
  bounds.observe('stream BOOKINGS', 90, 100);
  bounds.observe('outbox rows', 1, 4);
  bounds.observe('outbox age', 40, 50);
  expect(bounds.warning()).toBe('stream BOOKINGS: 90 %, outbox age: 80 %');
  const text = await metrics.metrics();
  expect(text).toContain('bound_used_ratio{bound="stream BOOKINGS"} 0.9');
  expect(text).toContain('bound_used_ratio{bound="outbox rows"} 0.25');
});
