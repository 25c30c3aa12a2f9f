/** Small helpers for elements. Text from outside only ever becomes text. */

type Child = Node | string | undefined | false;

/** Creates an element with properties, attributes (names with a hyphen, or `role`, `for`) and children. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Record<string, unknown> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name.includes('-') || name === 'role' || name === 'for') element.setAttribute(name, String(value));
    else (element as unknown as Record<string, unknown>)[name] = value;
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** `262,144`. */
export function number(value: number): string {
  return value.toLocaleString('en-US');
}

/** A button that copies a text and says so. */
export function copyButton(label: string, text: string): HTMLButtonElement {
  const button = create('button', { type: 'button', title: text }, label);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      // Through plain http from another machine a browser has no clipboard: the text is shown to be copied by hand.
      prompt(label, text);
    }
    setTimeout(() => {
      button.textContent = label;
    }, 1200);
  });
  return button;
}
