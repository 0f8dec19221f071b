import { v7 as newId } from 'uuid';
import { describe, expect, it } from 'vitest';
import { beginOf, decideRefresh } from './session.ts';

describe('decideRefresh', () => {
  it.each([
    { used: false, expired: false, decision: 'rotate' },
    { used: false, expired: true, decision: 'refuse' },
    { used: true, expired: false, decision: 'end-family' },
    { used: true, expired: true, decision: 'end-family' },
  ])('returns $decision when used is $used and expired is $expired', ({ used, expired, decision }) => {
    expect(decideRefresh({ id: 'session', familyId: 'family', used, expired })).toBe(decision);
  });
});

describe('beginOf', () => {
  it('reads the time of a UUIDv7', () => {
    const createdAt = new Date('2026-11-30T20:15:30.123Z');
    expect(beginOf({ id: newId({ msecs: createdAt.getTime() }) })).toEqual(createdAt);
  });
});
