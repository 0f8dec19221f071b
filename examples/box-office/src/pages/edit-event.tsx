import { Badge, Button, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { downloadAttendees } from '#client/attendees.ts';
import { createKey } from '#client/client.ts';
import {
  CancelEventDocument,
  EditEventDocument,
  EventBookingsDocument,
  type EventFieldsFragment,
  EventPageDocument,
  EventStatisticsDocument,
  SetCapacityDocument,
} from '#client/generated/graphql.ts';
import { client, GRAPH_URL, useSession } from '../client.ts';
import { CheckIn } from '../parts/check-in.tsx';
import { Confirmed, ReasonInput } from '../parts/confirm.tsx';
import { Form, useFields } from '../parts/form.tsx';
import { ButtonLink, TextLink } from '../parts/links.tsx';
import { List, useList } from '../parts/list.tsx';
import { availabilityOf } from '../parts/seats.tsx';
import { Empty, Loaded, Page, Problem, reload } from '../parts/states.tsx';
import { dateTime, inputTime, ownTimeZone, refusalIn, seats } from '../words.ts';

type Values = Record<string, string>;

const NO_BOOKINGS = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };

export const EditEventPage = ({ id }: { id: string }) => (id === 'new' ? <NewEvent /> : <ExistingEvent id={id} />);

function NewEvent() {
  const [, navigate] = useLocation();
  const idempotencyKey = useRef(createKey());
  const action = useMutation({
    mutationFn: (values: Values) =>
      client.addEvent({
        ...factsIn(values),
        totalSeats: Number(values.totalSeats),
        idempotencyKey: idempotencyKey.current,
      }),
    onSuccess(result) {
      if (result.__typename !== 'CreateEventPayload') return;
      void reload('events');
      navigate(`/organize/${result.event.id}`, { replace: true });
    },
  });
  const fields = useFields(action.data);
  return (
    <div className="narrow">
      <Page title="New event">
        <div className="card padded">
          <Form action={action}>
            <EventFields fields={fields} />
            <TextInput {...fields('totalSeats', 'Seats')} type="number" min={1} max={1_000_000} />
            <Button type="submit" size="md" loading={action.isPending}>
              Create event
            </Button>
          </Form>
        </div>
      </Page>
    </div>
  );
}

function ExistingEvent({ id }: { id: string }) {
  const session = useSession();
  const query = useQuery({
    queryKey: ['event', id],
    queryFn: ({ signal }) => client.request(EventPageDocument, { id }, { signal }),
  });
  return (
    <Loaded query={query}>
      {({ event }) =>
        event !== null && (event.organizer?.id === session?.user.id || session?.user.role === 'ADMIN') ? (
          <Page
            title={event.name}
            intro={
              <>
                {availabilityOf(event).words} · <TextLink href={`/events/${id}`}>See its page</TextLink>
              </>
            }
          >
            <div className="columns">
              {event.status === 'SCHEDULED' && (
                <div>
                  <CheckIn eventId={id} />
                  <Facts event={event} />
                  <Capacity key={event.totalSeats} event={event} />
                  <Cancel event={event} />
                </div>
              )}
              <div>
                <Statistics id={id} />
                <Bookings id={id} />
              </div>
            </div>
          </Page>
        ) : (
          <Page title="Event not found">
            <Empty title="You have no such event">
              <ButtonLink href="/organize">See your events</ButtonLink>
            </Empty>
          </Page>
        )
      }
    </Loaded>
  );
}

/** Lets the browser save a file. */
function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

const WEEK_DAYS = 7;
const DAY_MS = 86_400_000;

/** Shows how the event sells, in total and on each of the last days. */
function Statistics({ id }: { id: string }) {
  const [from, to] = [WEEK_DAYS - 1, 0].map((days) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10));
  const query = useQuery({
    queryKey: ['event', id, 'statistics', to],
    queryFn: ({ signal }) =>
      client.request(EventStatisticsDocument, { id, from: from ?? '', to: to ?? '' }, { signal }),
  });
  return (
    <section className="card padded" aria-labelledby="statistics">
      <h2 id="statistics">Sales</h2>
      <Loaded query={query}>
        {({ event }) => {
          const statistics = event?.statistics;
          if (statistics == null) return <p className="where">Unknown at the moment.</p>;
          const { soldSeats, heldSeats, cancelledSeats, byDay } = statistics;
          return (
            <>
              <p>
                {seats(soldSeats)} sold, {heldSeats.toLocaleString('en')} held, {cancelledSeats.toLocaleString('en')}{' '}
                cancelled
              </p>
              <ul className="rows" aria-label="By day">
                {byDay
                  .filter((day) => day.soldSeats + day.cancelledSeats > 0)
                  .map((day) => (
                    <li key={day.date}>
                      <span>{day.date}</span>
                      <span>
                        {seats(day.soldSeats)}
                        {day.cancelledSeats > 0 && `, ${day.cancelledSeats.toLocaleString('en')} cancelled`}
                      </span>
                    </li>
                  ))}
              </ul>
            </>
          );
        }}
      </Loaded>
    </section>
  );
}

function Bookings({ id }: { id: string }) {
  const query = useList({
    queryKey: ['event', id, 'bookings'],
    load: async (page, options) => {
      const { event } = await client.request(EventBookingsDocument, { id, ...page }, options);
      return event?.bookings ?? NO_BOOKINGS;
    },
  });
  const action = useMutation({
    async mutationFn() {
      const response = await downloadAttendees(client, { url: GRAPH_URL, eventId: id });
      save(await response.blob(), `attendees-${id}.csv`);
    },
  });
  return (
    <section className="card padded" aria-labelledby="bookings">
      <h2 id="bookings">Bookings</h2>
      {action.error && <Problem of={action.error} />}
      <Button variant="default" size="sm" loading={action.isPending} onClick={() => action.mutate()}>
        Download the attendees
      </Button>
      <List query={query} more="Show more bookings" empty={<p className="where">Nobody has booked yet.</p>}>
        {(bookings) => (
          <ul className="rows">
            {bookings.map(({ id, user, seatCount, status, createdAt, checkedInSeats }) => (
              <li key={id}>
                <span>
                  <b>{user?.name ?? 'Unknown at the moment'}</b>
                  <small>
                    {dateTime(createdAt)}
                    {checkedInSeats > 0 && ` · ${checkedInSeats} checked in`}
                  </small>
                </span>
                <Badge color={status === 'CONFIRMED' ? 'evergreen' : 'gray'}>
                  {status === 'CONFIRMED' ? seats(seatCount) : 'Cancelled'}
                </Badge>
              </li>
            ))}
          </ul>
        )}
      </List>
    </section>
  );
}

function Facts({ event }: { event: EventFieldsFragment }) {
  const action = useMutation({
    mutationFn: async (values: Values) => {
      const input = { id: event.id, expectedVersion: event.version, ...factsIn(values) };
      return (await client.request(EditEventDocument, { input })).updateEvent;
    },
    onSettled: reloadEvents,
  });
  return (
    <div className="card padded">
      <Form action={action}>
        <EventFields key={event.version} fields={useFields(action.data)} event={event} />
        <Button type="submit" loading={action.isPending}>
          Save changes
        </Button>
      </Form>
    </div>
  );
}

function Capacity({ event }: { event: EventFieldsFragment }) {
  const action = useMutation({
    mutationFn: async ({ totalSeats }: Values) => {
      const input = { eventId: event.id, totalSeats: Number(totalSeats) };
      return (await client.request(SetCapacityDocument, { input })).setEventCapacity;
    },
    onSuccess: reloadEvents,
  });
  const fields = useFields(action.data);
  return (
    <div className="card padded">
      <Form action={action}>
        <TextInput
          {...fields('totalSeats', 'Seats in total')}
          type="number"
          min={1}
          max={1_000_000}
          defaultValue={event.totalSeats ?? ''}
        />
        <Button type="submit" loading={action.isPending}>
          Change the number of seats
        </Button>
      </Form>
    </div>
  );
}

function Cancel({ event: { id, name, version } }: { event: EventFieldsFragment }) {
  const [reason, setReason] = useState('');
  const action = useMutation({
    mutationFn: () =>
      client.request(CancelEventDocument, {
        input: { id, expectedVersion: version, reason: reason.trim() || null },
      }),
    onSettled: reloadEvents,
  });
  const problem = action.error ?? refusalIn(action.data?.cancelEvent);
  return (
    <div className="danger">
      {problem && <Problem of={problem} />}
      <Confirmed
        label="Cancel event"
        title="Cancel this event?"
        isLoading={action.isPending}
        onConfirm={() => action.mutate()}
        field={<ReasonInput value={reason} onChange={setReason} />}
      >
        All bookings of {name} will be cancelled, and everyone will be told. You cannot undo this.
      </Confirmed>
    </div>
  );
}

function EventFields({ fields, event }: { fields: ReturnType<typeof useFields>; event?: EventFieldsFragment }) {
  return (
    <>
      <TextInput {...fields('name', 'Name')} maxLength={200} defaultValue={event?.name} />
      <TextInput
        {...fields('startsAt', 'Starts at')}
        type="datetime-local"
        defaultValue={event && inputTime(event.startsAt)}
      />
      <TextInput
        {...fields('timeZone', 'Time zone')}
        description="That of the event. Mails show times in it. Enter the times of this form in your own time zone."
        maxLength={64}
        defaultValue={event?.timeZone ?? ownTimeZone()}
      />
      <TextInput
        {...fields('salesStartAt', 'Sale opens')}
        description="Empty: seats are sold at once."
        required={false}
        type="datetime-local"
        defaultValue={optionalTime(event?.salesStartAt)}
      />
      <TextInput
        {...fields('salesEndAt', 'Sale closes')}
        description="Empty: seats are sold until the event starts."
        required={false}
        type="datetime-local"
        defaultValue={optionalTime(event?.salesEndAt)}
      />
      <TextInput
        {...fields('maxSeatsPerUser', 'Limit per person')}
        description="The most seats that one person can have. Empty: no limit."
        required={false}
        type="number"
        min={1}
        max={1_000_000}
        defaultValue={event?.maxSeatsPerUser ?? ''}
      />
      <TextInput
        {...fields('cancellationDeadline', 'Cancellations until')}
        description="Empty: bookings can be cancelled at any time."
        required={false}
        type="datetime-local"
        defaultValue={optionalTime(event?.cancellationDeadline)}
      />
      <TextInput {...fields('venue', 'Place')} required={false} maxLength={200} defaultValue={event?.venue ?? ''} />
      <Textarea
        {...fields('description', 'Description')}
        required={false}
        rows={4}
        defaultValue={event?.description ?? ''}
      />
    </>
  );
}

const factsIn = ({
  name = '',
  venue = '',
  description = '',
  startsAt = '',
  timeZone = '',
  salesStartAt = '',
  salesEndAt = '',
  maxSeatsPerUser = '',
  cancellationDeadline = '',
}: Values) => ({
  name,
  venue: venue.trim() || null,
  description: description.trim() || null,
  startsAt: new Date(startsAt).toISOString(),
  timeZone: timeZone.trim(),
  salesStartAt: salesStartAt === '' ? null : new Date(salesStartAt).toISOString(),
  salesEndAt: salesEndAt === '' ? null : new Date(salesEndAt).toISOString(),
  maxSeatsPerUser: maxSeatsPerUser === '' ? null : Number(maxSeatsPerUser),
  cancellationDeadline: cancellationDeadline === '' ? null : new Date(cancellationDeadline).toISOString(),
});

const optionalTime = (iso: string | null | undefined) => (iso == null ? '' : inputTime(iso));

const reloadEvents = () => Promise.all([reload('event'), reload('events')]);
