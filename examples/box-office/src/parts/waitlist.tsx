import { Button, NumberInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import {
  type EventFieldsFragment,
  JoinWaitlistDocument,
  LeaveWaitlistDocument,
  OwnWaitlistDocument,
  type WaitlistFieldsFragment,
} from '#client/generated/graphql.ts';
import { client } from '../client.ts';
import { refusalIn, seats } from '../words.ts';
import { Problem, reload } from './states.tsx';

/** How often the page asks for the place in the line, and for an offer. */
const REFETCH_MS = 5_000;

/** Returns the user's entry of an event that waits. It also finds the entry after a reload. */
export function useWaitlistEntry(eventId: string, userId: string): WaitlistFieldsFragment | undefined {
  const { data } = useQuery({
    queryKey: ['waitlist', userId],
    queryFn: ({ signal }) => client.request(OwnWaitlistDocument, {}, { signal }),
    refetchInterval: ({ state }) =>
      state.data?.me?.waitlistEntries?.nodes.some(({ status }) => status === 'WAITING') ? REFETCH_MS : false,
  });
  const own = data?.me?.waitlistEntries?.nodes.filter(({ event }) => event?.id === eventId);
  const offeredId = own?.find(({ hold }) => hold?.status === 'HELD')?.hold?.id;
  useEffect(() => {
    // The offered seats are a hold, which the page shows as such.
    if (offeredId !== undefined) void reload('holds');
  }, [offeredId]);
  return own?.find(({ status }) => status === 'WAITING');
}

/** Shows the place in the line, and ends the waiting. */
export function Waiting({ entry }: { entry: WaitlistFieldsFragment }) {
  const leave = useMutation({
    mutationFn: () => client.request(LeaveWaitlistDocument, { input: { id: entry.id } }),
    onSuccess: () => reload('waitlist'),
  });
  const problem = leave.error ?? refusalIn(leave.data?.leaveWaitlist);
  return (
    <>
      <p role="status">
        <b>You wait for {seats(entry.seatCount)}.</b> {placeText(entry.entriesAhead)} We hold the seats for you when
        they come back, and tell you.
      </p>
      {problem && <Problem of={problem} />}
      <Button variant="default" fullWidth loading={leave.isPending} onClick={() => leave.mutate()}>
        Stop waiting
      </Button>
    </>
  );
}

/** Lets the user wait for seats of an event that is sold out. */
export function WaitForSeats({ event, seatsMax }: { event: EventFieldsFragment; seatsMax: number }) {
  const [seatCount, setSeatCount] = useState(1);
  const join = useMutation({
    mutationFn: () => client.request(JoinWaitlistDocument, { input: { eventId: event.id, seatCount } }),
    onSuccess: () => Promise.all(['waitlist', 'event'].map(reload)),
  });
  const problem = join.error ?? refusalIn(join.data?.joinWaitlist);
  return (
    <>
      {problem && <Problem of={problem} />}
      <NumberInput
        label="Seats"
        size="md"
        min={1}
        max={Math.min(seatsMax, event.maxSeatsPerUser ?? seatsMax)}
        clampBehavior="strict"
        allowDecimal={false}
        value={seatCount}
        onChange={(value) => setSeatCount(Number(value) || 1)}
      />
      <Button size="md" fullWidth loading={join.isPending} onClick={() => join.mutate()}>
        Wait for {seats(seatCount)}
      </Button>
    </>
  );
}

function placeText(ahead: number | null): string {
  if (ahead === null) return '';
  if (ahead === 0) return 'You are the first in line.';
  return ahead === 1 ? 'One person is before you.' : `${ahead.toLocaleString('en')} people are before you.`;
}
