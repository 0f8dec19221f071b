import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { book, type Client, createEvent, signUp } from '../support/client.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const CALLERS = 4;
const AT_ONCE_MS = 500;
/** The gateway detects a hanging subgraph after 2 s. The rest is extra time for a busy machine. */
const NOTICED_MS_MAX = 4_000;
const BACK_MS_MAX = 3_000;
const PAGE = '{ me { name } bookings(first: 5) { nodes { id seatCount event { name } } } }';

describe('R17: an event subgraph that hangs', () => {
  let system: TestSystem;
  let ada: Client;
  let eventId: string;

  beforeAll(async () => {
    system = await startTestSystem();
    ada = await signUp(system.graphqlUrl);
    eventId = await createEvent(ada);
    await book(ada, eventId);
  });
  afterAll(() => system?.stop());

  it('makes only its own fields fail, soon without a wait, and pages are complete when it continues', async () => {
    let isOver = false;
    let last = { tookMs: 0, answer: await ada.send(PAGE) };
    expect(last.answer.errors).toBeUndefined();
    const callers = Array.from({ length: CALLERS }, async () => {
      while (!isOver) {
        const startedAtMs = performance.now();
        const answer = await ada.send(PAGE);
        last = { tookMs: performance.now() - startedAtMs, answer };
      }
    });
    system.pause(system.urls.event);
    const hungAtMs = performance.now();
    await vi.waitUntil(() => last.answer.errors !== undefined && last.tookMs < AT_ONCE_MS, { timeout: 15_000 });
    expect(performance.now() - hungAtMs).toBeLessThan(NOTICED_MS_MAX);
    const { data, errors } = last.answer;
    expect(data).toMatchObject({ me: { name: 'Ada Lovelace' }, bookings: { nodes: [{ seatCount: 1, event: null }] } });
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['SERVICE_UNAVAILABLE']);
    expect(await book(ada, eventId)).toMatchObject({ __typename: 'CreateBookingPayload' });

    system.resume(system.urls.event);
    const backAtMs = performance.now();
    await vi.waitUntil(() => last.answer.errors === undefined, { timeout: 15_000 });
    expect(performance.now() - backAtMs).toBeLessThan(BACK_MS_MAX);
    isOver = true;
    await Promise.all(callers);
  });
});
