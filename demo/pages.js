/** The HTML pages that stand in for a file: virus scan, quota, refusals. */

/** Google Drive's virus-scan page, as far as a program looks at it. */
export function scanPage({ action, fields, name, size }) {
  const inputs = Object.entries(fields).map(
    ([key, value]) => `<input type="hidden" name="${key}" value="${escapeHtml(value)}">`,
  );
  return `<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>
<p class="uc-warning-caption">Google Drive can't scan this file for viruses.</p>
<p class="uc-warning-subcaption">${escapeHtml(name)} (${size}) is too large. Would you still like to download this file?</p>
<form id="download-form" action="${action}" method="get">
<input type="submit" id="uc-download-link" value="Download anyway">${inputs.join('')}</form></body></html>`;
}

export function quotaPage() {
  return `<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>
<p class="uc-error-caption">Sorry, you can't view or download this file at this time.</p>
<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently. Please try accessing the file again later.</p>
</body></html>`;
}

export function htmlPage(title) {
  return `<!DOCTYPE html><html><head><title>${escapeHtml(title)}</title></head><body><h1>${escapeHtml(title)}</h1></body></html>`;
}

function escapeHtml(text) {
  return String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
