import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogLines } from '#tests/support/log-lines.ts';
import { createOutageLog } from './outage-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start() {
  const { logger, lines } = createLogLines();
  const log = createOutageLog({ logger, began: 'it began', over: 'it is over' });
  return { log, shown: () => lines.filter(({ level }) => level !== 'debug').map(({ msg }) => msg) };
}

test('an outage is logged once when it begins and once when it is over, not once per failure', () => {
  const { log, shown } = start();
  log.succeeded();
  for (let index = 0; index < 100; index += 1) log.failed();
  expect(shown()).toEqual(['it began']);
  vi.advanceTimersByTime(10_000);
  for (let index = 0; index < 100; index += 1) log.succeeded();
  expect(shown()).toEqual(['it began', 'it is over']);
  log.failed();
  expect(shown()).toEqual(['it began', 'it is over', 'it began']);
});

test('alternating failures and successes are one outage', () => {
  const { log, shown } = start();
  for (let index = 0; index < 100; index += 1) {
    log.failed();
    vi.advanceTimersByTime(5_000);
    log.succeeded();
  }
  expect(shown()).toEqual(['it began']);
});
