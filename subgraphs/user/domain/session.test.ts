import { describe, expect, it } from 'vitest';
import { decideRefresh } from './session.ts';

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
