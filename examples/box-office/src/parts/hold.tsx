import { Button, Group } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useReducer } from 'react';
import {
  ConfirmHoldDocument,
  type HoldFieldsFragment,
  OwnHoldsDocument,
  ReleaseHoldDocument,
} from '#client/generated/graphql.ts';
import { client } from '../client.ts';
import { refusalIn, seats } from '../words.ts';
import { Problem, reload } from './states.tsx';

const SECOND_MS = 1_000;
const HOUR_S = 3_600;

/** Returns the user's hold of an event that has not expired. It also finds the hold after a reload. */
export function useHold(eventId: string, userId: string): HoldFieldsFragment | undefined {
  const { data } = useQuery({
    queryKey: ['holds', userId],
    queryFn: ({ signal }) => client.request(OwnHoldsDocument, {}, { signal }),
  });
  return data?.me?.holds?.nodes.find(
    ({ status, expiresAt, event }) => event?.id === eventId && status === 'HELD' && Date.parse(expiresAt) > Date.now(),
  );
}

/** Counts the seconds down, and books the held seats or gives them back. */
export function HeldSeats({ hold, onBooked }: { hold: HoldFieldsFragment; onBooked: (seatCount: number) => void }) {
  const leftS = useSecondsUntil(hold.expiresAt);
  const input = { id: hold.id };
  const reloadAll = () => Promise.all(['holds', 'bookings', 'event'].map(reload));
  const confirm = useMutation({
    mutationFn: () => client.request(ConfirmHoldDocument, { input }),
    onSuccess({ confirmHold }) {
      if (confirmHold.__typename === 'ConfirmHoldPayload') onBooked(confirmHold.booking.seatCount);
      void reloadAll();
    },
  });
  const release = useMutation({
    mutationFn: () => client.request(ReleaseHoldDocument, { input }),
    onSuccess: reloadAll,
  });
  useEffect(() => {
    if (leftS <= 0) void reload('holds');
  }, [leftS]);
  const problem =
    confirm.error ?? release.error ?? refusalIn(confirm.data?.confirmHold) ?? refusalIn(release.data?.releaseHold);
  return (
    <>
      <p role="timer">
        <b>{seats(hold.seatCount)} held for you.</b> You have {timeText(leftS)} to book.
      </p>
      {problem && <Problem of={problem} />}
      <Group grow>
        <Button size="md" loading={confirm.isPending} disabled={release.isPending} onClick={() => confirm.mutate()}>
          Book held seats
        </Button>
        <Button
          size="md"
          variant="default"
          loading={release.isPending}
          disabled={confirm.isPending}
          onClick={() => release.mutate()}
        >
          Give back
        </Button>
      </Group>
    </>
  );
}

/** Returns the whole seconds until a time, and shows the component again each second. */
function useSecondsUntil(iso: string): number {
  const [, showAgain] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(showAgain, SECOND_MS);
    return () => clearInterval(timer);
  }, []);
  return Math.max(0, Math.ceil((Date.parse(iso) - Date.now()) / SECOND_MS));
}

const twoDigits = (value: number) => String(value).padStart(2, '0');

/** A time like 4:05, or 23:04:05. */
const timeText = (s: number) =>
  s < HOUR_S
    ? `${Math.floor(s / 60)}:${twoDigits(s % 60)}`
    : `${Math.floor(s / HOUR_S)}:${twoDigits(Math.floor((s % HOUR_S) / 60))}:${twoDigits(s % 60)}`;
