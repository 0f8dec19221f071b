import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useId, useRef } from 'react';
import { encode } from 'uqr';
import { OwnTicketDocument } from '#client/generated/graphql.ts';
import { client } from '../client.ts';
import { Loaded } from './states.tsx';

/** A button that shows the ticket of a booking. The ticket is loaded when it is shown. */
export function ShowTicket({ bookingId, title }: { bookingId: string; title: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const query = useQuery({
    queryKey: ['ticket', bookingId],
    queryFn: ({ signal }) => client.request(OwnTicketDocument, { id: bookingId }, { signal }),
    enabled: false,
  });
  const show = () => {
    dialog.current?.showModal();
    void query.refetch();
  };
  return (
    <>
      <Button size="sm" onClick={show}>
        Show ticket
      </Button>
      <dialog ref={dialog} aria-labelledby={heading} className="card dialog">
        <h2 id={heading}>{title}</h2>
        {(query.isFetching || query.isFetched) && (
          <Loaded query={query}>
            {({ booking }) =>
              booking?.ticket ? (
                <>
                  <QrCode code={booking.ticket.code} />
                  <p className="code">{booking.ticket.code}</p>
                </>
              ) : (
                <p>This booking was cancelled, so it has no ticket.</p>
              )
            }
          </Loaded>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => dialog.current?.close()}>
            Close
          </Button>
        </Group>
      </dialog>
    </>
  );
}

/** Draws the code itself, because the content security policy allows neither images with data URLs nor parsed documents. */
function QrCode({ code }: { code: string }) {
  const { data, size } = encode(code, { ecc: 'M', border: 4 });
  const squares = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return (
    <svg role="img" aria-label="QR code of the ticket" className="qr" viewBox={`0 0 ${size} ${size}`}>
      <path d={squares.join('')} />
    </svg>
  );
}
