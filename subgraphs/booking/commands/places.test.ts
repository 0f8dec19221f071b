import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createRandom } from '#platform/testing/random.ts';
import { createPlaces } from './places.ts';

const LIFE_S = 60;
const owner = { eventId: 'an-event', userId: 'ada' };
const [old, next] = ['the secret of the last year', 'the secret of this year'];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a place is short, and its number is read again until it expires', () => {
  const places = createPlaces([old], { lifeS: LIFE_S });
  const random = createRandom('places');
  for (let round = 0; round < 200; round += 1) {
    const number = random.below(2 ** 26) * 2 ** 26 + random.below(2 ** 26);
    const place = places.sign(number, owner);
    expect(place).toMatch(/^[\w-]{38}$/);
    expect(places.read(place, owner)).toBe(number);
  }
  const place = places.sign(Number.MAX_SAFE_INTEGER, owner);
  vi.advanceTimersByTime((LIFE_S - 1) * 1_000);
  expect(places.read(place, owner)).toBe(Number.MAX_SAFE_INTEGER);
  vi.advanceTimersByTime(1_000);
  expect(places.read(place, owner)).toBeUndefined();
});

it('a place counts for its user and event only', () => {
  const places = createPlaces([old], { lifeS: LIFE_S });
  const place = places.sign(7, owner);
  expect(places.read(place, { ...owner, userId: 'bob' })).toBeUndefined();
  expect(places.read(place, { ...owner, eventId: 'another-event' })).toBeUndefined();
});

it('no change of a place is accepted', () => {
  const places = createPlaces([old], { lifeS: LIFE_S });
  const place = places.sign(7, owner);
  const random = createRandom('forged places');
  const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=. ';
  for (let round = 0; round < 500; round += 1) {
    const at = random.below(place.length);
    const forged = place.slice(0, at) + random.pick([...characters]) + place.slice(at + 1);
    // The last character has unused bits, so several characters mean the same bytes.
    const isSame = Buffer.from(forged, 'base64url').equals(Buffer.from(place, 'base64url')) && /^[\w-]+$/.test(forged);
    expect(places.read(forged, owner)).toBe(isSame ? 7 : undefined);
  }
  for (const text of ['', 'x', place.slice(1), `${place}A`, 'é'.repeat(38), 'x'.repeat(1_000_000)]) {
    expect(places.read(text, owner)).toBeUndefined();
  }
});

it('secrets are rotated without invalid places', () => {
  const first = createPlaces([old], { lifeS: LIFE_S }).sign(7, owner);
  const rotating = createPlaces([next, old], { lifeS: LIFE_S });
  expect(rotating.read(first, owner)).toBe(7);
  const after = createPlaces([next], { lifeS: LIFE_S });
  expect(after.read(rotating.sign(8, owner), owner)).toBe(8);
  expect(after.read(first, owner)).toBeUndefined();
});
