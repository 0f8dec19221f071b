import { expect, test } from 'vitest';
import { outcomeOfAttempt, shareRoom, WEBHOOK_ATTEMPTS_MAX } from './webhook-delivery.ts';

const answer = (statusCode: number | null) => ({ statusCode, error: statusCode === 204 ? null : 'STATUS_500' });

test('failed attempts are retried after growing pauses that add up to a day, and vary only upwards', () => {
  const pausesS = (chance: number) =>
    Array.from({ length: WEBHOOK_ATTEMPTS_MAX - 1 }, (_, index) => {
      const result = outcomeOfAttempt(answer(500), { attempts: index + 1, chance });
      return result.outcome === 'retried' ? result.retryInMs / 1_000 : Number.NaN;
    });
  expect(pausesS(0)).toEqual([5, 30, 120, 600, 3_600, 7_200, 14_400, 28_800, 32_400]);
  const sumH = (chance: number) => pausesS(chance).reduce((sum, pause) => sum + pause, 0) / 3_600;
  expect(sumH(0)).toBeGreaterThan(24);
  expect(sumH(1)).toBeLessThan(27);
  expect(pausesS(1).every((pause, index) => pause > (pausesS(0)[index] ?? 0))).toBe(true);
  expect(outcomeOfAttempt(answer(500), { attempts: WEBHOOK_ATTEMPTS_MAX, chance: 0 })).toEqual({ outcome: 'failed' });
});

test('a success delivers, 410 fails and switches the endpoint off at once', () => {
  expect(outcomeOfAttempt(answer(204), { attempts: 1, chance: 0 })).toEqual({ outcome: 'delivered' });
  const gone = { statusCode: 410, error: 'STATUS_410' };
  expect(outcomeOfAttempt(gone, { attempts: 1, chance: 0 })).toEqual({ outcome: 'failed', disable: 'GONE' });
  expect(outcomeOfAttempt(answer(null), { attempts: 1, chance: 0 })).toMatchObject({ outcome: 'retried' });
});

const LIMITS = { total: 10, perEndpoint: 3, failing: 2 };
const endpoint = (webhookId: string, isFailing = false) => ({ webhookId, isFailing });
const share = (...args: Parameters<typeof shareRoom>) => Object.fromEntries(shareRoom(...args));

test('an endpoint gets at most its share, longest due first, and all together at most the total', () => {
  const due = ['a', 'b', 'c', 'd'].map((id) => endpoint(id));
  expect(share(due, [], LIMITS)).toEqual({ a: 3, b: 3, c: 3, d: 1 });
  expect(share(due, [endpoint('a'), endpoint('a'), endpoint('a'), endpoint('b')], LIMITS)).toEqual({
    b: 2,
    c: 3,
    d: 1,
  });
  const full = Array.from({ length: 10 }, () => endpoint('x'));
  expect(share(due, full, LIMITS)).toEqual({});
});

test('a failing endpoint gets one request at a time, and failing endpoints do not take the room of the others', () => {
  const due = ['a', 'b', 'c'].map((id) => endpoint(id, true));
  expect(share([...due, endpoint('d')], [], LIMITS)).toEqual({ a: 1, b: 1, d: 3 });
  expect(share(due, [endpoint('a', true)], LIMITS)).toEqual({ b: 1 });
});
