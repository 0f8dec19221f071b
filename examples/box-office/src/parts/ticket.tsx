import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useId, useRef } from 'react';
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
                  <QrCode svg={booking.ticket.qrSvg} />
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

/** Shows an SVG document. It is no image with a data URL, because the content security policy allows none. */
function QrCode({ svg }: { svg: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.replaceChildren(new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement);
  }, [svg]);
  return <div ref={place} role="img" aria-label="QR code of the ticket" className="qr" />;
}
