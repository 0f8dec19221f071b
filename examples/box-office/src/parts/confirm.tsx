import { Button, Group } from '@mantine/core';
import { type ReactNode, useId, useRef } from 'react';

/** A button that asks before it acts. */
export function Confirmed({
  label,
  title,
  children,
  isLoading,
  onConfirm,
}: {
  label: string;
  title: string;
  children: ReactNode;
  isLoading: boolean;
  onConfirm: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const close = () => dialog.current?.close();
  const confirm = () => {
    close();
    onConfirm();
  };
  return (
    <>
      <Button variant="default" size="sm" loading={isLoading} onClick={() => dialog.current?.showModal()}>
        {label}
      </Button>
      <dialog ref={dialog} aria-labelledby={heading} className="card dialog">
        <h2 id={heading}>{title}</h2>
        <p>{children}</p>
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Keep it
          </Button>
          <Button color="red" onClick={confirm}>
            {label}
          </Button>
        </Group>
      </dialog>
    </>
  );
}
