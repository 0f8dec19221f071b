import { Button, NumberInput, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { createKey } from '#client/client.ts';
import {
  type EventFieldsFragment,
  EventPageDocument,
  type EventPageQuery,
  WatchEventDocument,
} from '#client/generated/graphql.ts';
import { client, queries, useSession } from '../client.ts';
import { type Intent, intents } from '../intent.ts';
import { watch } from '../live.ts';
import { ButtonLink, TextLink } from '../parts/links.tsx';
import { Poster } from '../parts/poster.tsx';
import { availabilityOf, DateStub, SeatBar, SOLD_OUT } from '../parts/seats.tsx';
import { Empty, Loaded, Page, Problem, reload } from '../parts/states.tsx';
import { dateTime, refusalIn, seats } from '../words.ts';

const SEATS_MAX = 10;

const keyOf = (id: string) => ['event', id];

export function EventPage({ id }: { id: string }) {
  const query = useQuery({
    queryKey: keyOf(id),
    queryFn: ({ signal }) => client.request(EventPageDocument, { id }, { signal }),
  });
  useEffect(
    () =>
      watch(WatchEventDocument, { id }, ({ eventSeats }) =>
        queries.setQueryData<EventPageQuery>(keyOf(id), { event: eventSeats }),
      ),
    [id],
  );
  return (
    <Loaded query={query}>
      {({ event }) =>
        event === null ? (
          <Page title="Event not found">
            <Empty title="This event does not exist">
              <ButtonLink href="/">See all events</ButtonLink>
            </Empty>
          </Page>
        ) : (
          <EventDetails event={event} />
        )
      }
    </Loaded>
  );
}

function EventDetails({ event }: { event: EventFieldsFragment }) {
  const session = useSession();
  return (
    <article className="event">
      <div className="event-poster">
        <Poster of={event.name} />
      </div>
      <div className="event-facts">
        <DateStub iso={event.startsAt} />
        <div>
          <Page title={event.name}>
            <p className="when">{dateTime(event.startsAt)}</p>
            <p className="where">{event.venue ?? 'Place to be announced'}</p>
          </Page>
        </div>
      </div>
      <div className="event-text">
        {event.description && <p className="description">{event.description}</p>}
        {event.organizer && <Text c="dimmed">Organized by {event.organizer.name}</Text>}
        {event.organizer && event.organizer.id === session?.user.id && (
          <TextLink href={`/organize/${event.id}`}>Edit this event</TextLink>
        )}
      </div>
      <aside className="card booking-panel" aria-label="Book seats">
        <Availability event={event} />
        {session === null ? (
          <ButtonLink href={`/sign-in?next=/events/${event.id}`} size="md" fullWidth>
            Sign in to book
          </ButtonLink>
        ) : (
          session && <Booking key={session.user.id} event={event} userId={session.user.id} />
        )}
      </aside>
    </article>
  );
}

function Availability({ event }: { event: EventFieldsFragment }) {
  const { isOpen, words } = availabilityOf(event);
  const { availableSeats: free, totalSeats } = event;
  return (
    <div className="availability" aria-live="polite">
      {isOpen && free !== null ? (
        <>
          <p>
            <b>{free.toLocaleString('en')}</b> of {seats(totalSeats ?? 0)} free
          </p>
          <SeatBar event={event} />
        </>
      ) : (
        <>
          <p>
            <b>{words}</b>
          </p>
          {words === SOLD_OUT && <p>If somebody cancels, you see the free seats here at once.</p>}
        </>
      )}
    </div>
  );
}

/** Books seats. A booking whose outcome is unknown is sent again with the same key: after a reload, and when back online. */
function Booking({ event, userId }: { event: EventFieldsFragment; userId: string }) {
  const [seatCount, setSeatCount] = useState(1);
  const booking = useMutation({
    mutationFn: ({ idempotencyKey, eventId, seatCount }: Intent) => client.book({ idempotencyKey, eventId, seatCount }),
    onSuccess() {
      intents.clear();
      void reload('bookings');
      void reload('event');
    },
  });
  const { mutate, data, error, isPending, variables } = booking;
  useEffect(() => {
    const resume = () => {
      const intent = intents.load();
      if (intent?.eventId === event.id && intent.userId === userId) mutate(intent);
    };
    resume();
    addEventListener('online', resume);
    return () => removeEventListener('online', resume);
  }, [event.id, userId, mutate]);

  function book(): void {
    const intent = { idempotencyKey: createKey(), eventId: event.id, userId, seatCount };
    intents.save(intent);
    mutate(intent);
  }
  function startOver(): void {
    intents.clear();
    booking.reset();
  }

  if (isPending)
    return (
      <>
        <Button size="md" fullWidth loading>
          Booking
        </Button>
        <p role="status">Booking {seats(variables.seatCount)} …</p>
      </>
    );
  if (error !== null)
    return (
      <>
        <Problem of={error} retry={() => mutate(variables)} />
        <p>Your booking of {seats(variables.seatCount)} is kept. You can try again: the seats are booked only once.</p>
        <Button variant="default" fullWidth onClick={startOver}>
          Give up this booking
        </Button>
      </>
    );
  if (data?.__typename === 'CreateBookingPayload')
    return (
      <>
        <p role="status">
          <b>You have booked {seats(data.booking.seatCount)}.</b> The confirmation is on its way.
        </p>
        <ButtonLink href="/bookings" fullWidth>
          See my bookings
        </ButtonLink>
        <Button variant="default" fullWidth onClick={startOver}>
          Book more seats
        </Button>
      </>
    );
  const refusal = refusalIn(data);
  return (
    <>
      {refusal && <Problem of={refusal} />}
      {availabilityOf(event).isOpen && (
        <>
          <NumberInput
            label="Seats"
            size="md"
            min={1}
            max={Math.min(SEATS_MAX, event.availableSeats ?? SEATS_MAX)}
            clampBehavior="strict"
            allowDecimal={false}
            value={seatCount}
            onChange={(value) => setSeatCount(Number(value) || 1)}
          />
          <Button size="md" fullWidth onClick={book}>
            Book {seats(seatCount)}
          </Button>
        </>
      )}
    </>
  );
}
