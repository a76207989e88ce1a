//go:build linux && desktop

package app

/*
#cgo pkg-config: gtk+-3.0
#include <gtk/gtk.h>

static gboolean dismiss(gpointer unused) {
	GList *windows = gtk_window_list_toplevels(); // an answer may destroy others of them
	g_list_foreach(windows, (GFunc)g_object_ref, NULL);
	for (GList *at = windows; at != NULL; at = at->next)
		if (GTK_IS_DIALOG(at->data) && gtk_widget_get_visible(GTK_WIDGET(at->data)))
			gtk_dialog_response(GTK_DIALOG(at->data), GTK_RESPONSE_CANCEL);
	g_list_free_full(windows, g_object_unref);
	return G_SOURCE_REMOVE;
}

static void dismissSoon(void) { g_idle_add(dismiss, NULL); }
*/
import "C"

// dismissDialogs cancels what the window asks by a dialog of the platform. Wails has no way to, and GTK ends no program
// over one that is open.
func dismissDialogs() { C.dismissSoon() }
