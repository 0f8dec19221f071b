import { Button, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useReducer, useRef } from 'react';
import { createKey } from '#client/client.ts';
import { CheckInDocument, DoorDocument } from '#client/generated/graphql.ts';
import { client } from '../client.ts';
import { seats } from '../words.ts';
import { Form, useFields } from './form.tsx';
import { reload } from './states.tsx';

/** Lets guests in at the door of an event. A check-in whose outcome is unknown is sent again with the same key. */
export function CheckIn({ eventId }: { eventId: string }) {
  const deviceKey = useRef(createKey());
  const [guestsIn, emptyForm] = useReducer((count: number) => count + 1, 0);
  const { data: door } = useQuery({
    queryKey: ['event', eventId, 'door'],
    queryFn: ({ signal }) => client.request(DoorDocument, { id: eventId }, { signal }),
  });
  const action = useMutation({
    mutationFn: async ({ code = '', guests = '' }: Record<string, string>) => {
      const input = { eventId, code, seats: Number(guests), deviceKey: deviceKey.current };
      return (await client.request(CheckInDocument, { input })).checkIn;
    },
    onSuccess(result) {
      deviceKey.current = createKey();
      if (result.__typename !== 'CheckInPayload') return;
      emptyForm();
      void reload('event');
    },
  });
  const fields = useFields(action.data);
  const { data: result } = action;
  return (
    <section className="card padded" aria-labelledby="door">
      <h2 id="door">Check-in</h2>
      <p className="where">{seats(door?.event?.checkedInSeats ?? 0)} checked in.</p>
      <Form key={guestsIn} action={action}>
        <TextInput {...fields('code', 'Code of the ticket')} maxLength={256} autoComplete="off" />
        <TextInput {...fields('guests', 'Guests')} type="number" min={1} defaultValue={1} />
        <Button type="submit" loading={action.isPending}>
          Check in
        </Button>
      </Form>
      {result?.__typename === 'CheckInPayload' && (
        <p role="status">
          <b>{seats(result.seats)} checked in.</b> {result.booking.checkedInSeats} of {seats(result.booking.seatCount)}{' '}
          of {result.booking.user?.name ?? 'this booking'} are in.
        </p>
      )}
    </section>
  );
}
